<?xml version="1.0" encoding="UTF-8"?>
<!-- Shows a Define-XML 2.1 file as one readable page: no script, nothing loaded from elsewhere. -->
<xsl:stylesheet version="1.0"
    xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
    xmlns:o="http://www.cdisc.org/ns/odm/v1.3"
    xmlns:def="http://www.cdisc.org/ns/def/v2.1"
    xmlns:arm="http://www.cdisc.org/ns/arm/v1.0"
    xmlns:xlink="http://www.w3.org/1999/xlink"
    exclude-result-prefixes="o def arm xlink">
  <xsl:output method="html" encoding="UTF-8" indent="no" doctype-system="about:legacy-compat"/>
  <xsl:key name="item" match="o:ItemDef" use="@OID"/>
  <xsl:key name="group" match="o:ItemGroupDef" use="@OID"/>
  <xsl:key name="codelist" match="o:CodeList" use="@OID"/>
  <xsl:key name="method" match="o:MethodDef" use="@OID"/>
  <xsl:key name="comment" match="def:CommentDef" use="@OID"/>
  <xsl:key name="values" match="def:ValueListDef" use="@OID"/>
  <xsl:key name="where" match="def:WhereClauseDef" use="@OID"/>
  <xsl:key name="leaf" match="def:leaf" use="@ID"/>
  <xsl:key name="standard" match="def:Standard" use="@OID"/>
  <xsl:variable name="data" select="/o:ODM/o:Study/o:MetaDataVersion"/>

  <xsl:template match="/">
    <html lang="en">
      <head>
        <meta charset="utf-8"/>
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-STYLE_HASH'"/>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <title><xsl:value-of select="$data/@Name"/></title>
        <style>STYLE_TEXT</style>
      </head>
      <body>
        <nav aria-label="Contents">
          <ul>
            <li><a href="#top">Study</a></li>
            <li><a href="#datasets">Datasets</a></li>
            <xsl:for-each select="$data/o:ItemGroupDef">
              <li class="sub"><a href="#{@OID}"><xsl:value-of select="@Name"/></a></li>
            </xsl:for-each>
            <xsl:if test="$data/arm:AnalysisResultDisplays"><li><a href="#results">Analysis results</a></li></xsl:if>
            <xsl:if test="$data/def:ValueListDef"><li><a href="#values">Value level</a></li></xsl:if>
            <xsl:if test="$data/o:CodeList"><li><a href="#codelists">Codelists</a></li></xsl:if>
            <xsl:if test="$data/o:MethodDef"><li><a href="#methods">Methods</a></li></xsl:if>
            <xsl:if test="$data/def:CommentDef"><li><a href="#comments">Comments</a></li></xsl:if>
          </ul>
        </nav>
        <main>
          <h1 id="top"><xsl:value-of select="/o:ODM/o:Study/o:GlobalVariables/o:StudyName"/></h1>
          <p><xsl:value-of select="/o:ODM/o:Study/o:GlobalVariables/o:StudyDescription"/></p>
          <xsl:call-template name="standards"/>
          <xsl:call-template name="datasets"/>
          <xsl:apply-templates select="$data/o:ItemGroupDef"/>
          <xsl:apply-templates select="$data/arm:AnalysisResultDisplays"/>
          <xsl:if test="$data/def:ValueListDef">
            <h2 id="values">Value level</h2>
            <xsl:apply-templates select="$data/def:ValueListDef"/>
          </xsl:if>
          <xsl:if test="$data/o:CodeList">
            <h2 id="codelists">Codelists</h2>
            <xsl:apply-templates select="$data/o:CodeList"/>
          </xsl:if>
          <xsl:call-template name="texts">
            <xsl:with-param name="id">methods</xsl:with-param>
            <xsl:with-param name="title">Methods</xsl:with-param>
            <xsl:with-param name="nodes" select="$data/o:MethodDef"/>
          </xsl:call-template>
          <xsl:call-template name="texts">
            <xsl:with-param name="id">comments</xsl:with-param>
            <xsl:with-param name="title">Comments</xsl:with-param>
            <xsl:with-param name="nodes" select="$data/def:CommentDef"/>
          </xsl:call-template>
        </main>
      </body>
    </html>
  </xsl:template>

  <xsl:template name="standards">
    <table>
      <caption>Standards</caption>
      <thead><tr><th>Standard</th><th>Type</th><th>Set</th><th>Version</th><th>Status</th></tr></thead>
      <tbody>
        <xsl:for-each select="$data/def:Standards/def:Standard">
          <tr id="{@OID}">
            <td><xsl:value-of select="@Name"/></td><td><xsl:value-of select="@Type"/></td>
            <td><xsl:value-of select="@PublishingSet"/></td><td><xsl:value-of select="@Version"/></td>
            <td><xsl:value-of select="@Status"/></td>
          </tr>
        </xsl:for-each>
      </tbody>
    </table>
    <xsl:if test="$data/def:leaf">
      <p>Documents:
        <xsl:for-each select="$data/def:leaf">
          <a id="{@ID}" href="{@xlink:href}"><xsl:value-of select="def:title"/></a>
          <xsl:if test="position() != last()">, </xsl:if>
        </xsl:for-each>
      </p>
    </xsl:if>
  </xsl:template>

  <xsl:template name="datasets">
    <h2 id="datasets">Datasets</h2>
    <table>
      <thead><tr><th>Dataset</th><th>Description</th><th>Class</th><th>Structure</th><th>Keys</th><th>File</th></tr></thead>
      <tbody>
        <xsl:for-each select="$data/o:ItemGroupDef">
          <tr>
            <td><a href="#{@OID}"><xsl:value-of select="@Name"/></a></td>
            <td><xsl:value-of select="o:Description/o:TranslatedText"/>
              <xsl:if test="@def:HasNoData = 'Yes'"> (no data)</xsl:if></td>
            <td><xsl:value-of select="def:Class/@Name"/>
              <xsl:for-each select="def:Class/def:SubClass">, <xsl:value-of select="@Name"/></xsl:for-each></td>
            <td><xsl:value-of select="@def:Structure"/></td>
            <td>
              <xsl:for-each select="o:ItemRef[@KeySequence]">
                <xsl:sort select="@KeySequence" data-type="number"/>
                <xsl:value-of select="key('item', @ItemOID)/@Name"/>
                <xsl:if test="position() != last()">, </xsl:if>
              </xsl:for-each>
            </td>
            <td><a href="{def:leaf/@xlink:href}"><xsl:value-of select="def:leaf/def:title"/></a></td>
          </tr>
        </xsl:for-each>
      </tbody>
    </table>
  </xsl:template>

  <xsl:template match="o:ItemGroupDef">
    <h3 id="{@OID}"><xsl:value-of select="@Name"/>: <xsl:value-of select="o:Description/o:TranslatedText"/></h3>
    <xsl:call-template name="comment"/>
    <xsl:call-template name="items"><xsl:with-param name="refs" select="o:ItemRef"/></xsl:call-template>
  </xsl:template>

  <xsl:template match="def:ValueListDef">
    <h3 id="{@OID}"><xsl:value-of select="substring-after(@OID, '.')"/></h3>
    <xsl:call-template name="items"><xsl:with-param name="refs" select="o:ItemRef"/></xsl:call-template>
  </xsl:template>

  <xsl:template name="items">
    <xsl:param name="refs"/>
    <table>
      <thead><tr><th>Variable</th><th>Label</th><th>Key</th><th>Type</th><th>Length</th><th>Terms</th>
        <th>Origin, method, comment</th></tr></thead>
      <tbody>
        <xsl:for-each select="$refs">
          <xsl:variable name="ref" select="."/>
          <xsl:for-each select="key('item', @ItemOID)">
            <tr id="{@OID}">
              <td>
                <xsl:choose>
                  <xsl:when test="def:ValueListRef">
                    <a href="#{def:ValueListRef/@ValueListOID}"><xsl:value-of select="@Name"/></a>
                  </xsl:when>
                  <xsl:otherwise><xsl:value-of select="@Name"/></xsl:otherwise>
                </xsl:choose>
                <xsl:for-each select="$ref/def:WhereClauseRef"> where <xsl:apply-templates select="key('where', @WhereClauseOID)"/></xsl:for-each>
              </td>
              <td><xsl:value-of select="o:Description/o:TranslatedText"/></td>
              <td><xsl:value-of select="$ref/@KeySequence"/></td>
              <td><xsl:value-of select="@DataType"/>
                <xsl:if test="@def:DisplayFormat"> (<xsl:value-of select="@def:DisplayFormat"/>)</xsl:if></td>
              <td><xsl:value-of select="@Length"/>
                <xsl:if test="@SignificantDigits">, <xsl:value-of select="@SignificantDigits"/> digits</xsl:if></td>
              <td><xsl:for-each select="o:CodeListRef"><a href="#{@CodeListOID}"><xsl:value-of select="key('codelist', @CodeListOID)/@Name"/></a></xsl:for-each></td>
              <td>
                <xsl:for-each select="def:Origin"><xsl:value-of select="@Type"/>
                  <xsl:if test="o:Description">: <xsl:value-of select="o:Description/o:TranslatedText"/></xsl:if>
                </xsl:for-each>
                <xsl:if test="$ref/@MethodOID"><p><a href="#{$ref/@MethodOID}">Method</a>: <xsl:value-of select="key('method', $ref/@MethodOID)/o:Description/o:TranslatedText"/></p></xsl:if>
                <xsl:call-template name="comment"/>
              </td>
            </tr>
          </xsl:for-each>
        </xsl:for-each>
      </tbody>
    </table>
  </xsl:template>

  <xsl:template match="def:WhereClauseDef">
    <xsl:for-each select="o:RangeCheck">
      <xsl:value-of select="key('item', @def:ItemOID)/@Name"/><xsl:text> </xsl:text>
      <xsl:value-of select="@Comparator"/><xsl:text> </xsl:text>
      <xsl:for-each select="o:CheckValue"><xsl:value-of select="."/><xsl:if test="position() != last()">, </xsl:if></xsl:for-each>
      <xsl:if test="position() != last()"> and </xsl:if>
    </xsl:for-each>
  </xsl:template>

  <xsl:template match="o:CodeList">
    <h3 id="{@OID}"><xsl:value-of select="@Name"/>
      <xsl:if test="o:Alias"> (<xsl:value-of select="o:Alias/@Name"/>)</xsl:if></h3>
    <p><xsl:choose>
      <xsl:when test="o:ExternalCodeList">Dictionary <xsl:value-of select="o:ExternalCodeList/@Dictionary"/>, version <xsl:value-of select="o:ExternalCodeList/@Version"/></xsl:when>
      <xsl:when test="@def:StandardOID">CDISC/NCI <xsl:value-of select="key('standard', @def:StandardOID)/@PublishingSet"/>, <xsl:value-of select="key('standard', @def:StandardOID)/@Version"/></xsl:when>
      <xsl:otherwise>Sponsor-defined</xsl:otherwise>
    </xsl:choose></p>
    <xsl:if test="o:CodeListItem | o:EnumeratedItem">
      <table>
        <thead><tr><th>Term</th><th>Decode</th><th>NCI code</th><th>Extended</th></tr></thead>
        <tbody>
          <xsl:for-each select="o:CodeListItem | o:EnumeratedItem">
            <tr>
              <td><xsl:value-of select="@CodedValue"/></td><td><xsl:value-of select="o:Decode/o:TranslatedText"/></td>
              <td><xsl:value-of select="o:Alias/@Name"/></td><td><xsl:value-of select="@def:ExtendedValue"/></td>
            </tr>
          </xsl:for-each>
        </tbody>
      </table>
    </xsl:if>
  </xsl:template>

  <xsl:template match="arm:AnalysisResultDisplays">
    <h2 id="results">Analysis results</h2>
    <xsl:for-each select="arm:ResultDisplay">
      <h3 id="{@OID}"><xsl:value-of select="@Name"/>: <xsl:value-of select="o:Description/o:TranslatedText"/></h3>
      <xsl:for-each select="arm:AnalysisResult">
        <h4 id="{@OID}"><xsl:value-of select="o:Description/o:TranslatedText"/></h4>
        <p><xsl:value-of select="@AnalysisReason"/>; <xsl:value-of select="@AnalysisPurpose"/></p>
        <ul>
          <xsl:for-each select="arm:AnalysisDatasets/arm:AnalysisDataset">
            <li><a href="#{@ItemGroupOID}"><xsl:value-of select="key('group', @ItemGroupOID)/@Name"/></a>:
              <xsl:for-each select="arm:AnalysisVariable">
                <a href="#{@ItemOID}"><xsl:value-of select="key('item', @ItemOID)/@Name"/></a>
                <xsl:if test="position() != last()">, </xsl:if>
              </xsl:for-each>
              <xsl:for-each select="def:WhereClauseRef"> where <xsl:apply-templates select="key('where', @WhereClauseOID)"/></xsl:for-each>
            </li>
          </xsl:for-each>
        </ul>
        <xsl:if test="arm:Documentation"><p><xsl:value-of select="arm:Documentation/o:Description/o:TranslatedText"/></p></xsl:if>
        <xsl:if test="arm:ProgrammingCode"><pre><xsl:value-of select="arm:ProgrammingCode/arm:Code"/></pre></xsl:if>
      </xsl:for-each>
    </xsl:for-each>
  </xsl:template>

  <xsl:template name="comment">
    <xsl:if test="@def:CommentOID">
      <p><a href="#{@def:CommentOID}">Comment</a>: <xsl:value-of select="key('comment', @def:CommentOID)/o:Description/o:TranslatedText"/></p>
    </xsl:if>
  </xsl:template>

  <xsl:template name="texts">
    <xsl:param name="id"/><xsl:param name="title"/><xsl:param name="nodes"/>
    <xsl:if test="$nodes">
      <h2 id="{$id}"><xsl:value-of select="$title"/></h2>
      <table>
        <thead><tr><th>Name</th><th>Text</th></tr></thead>
        <tbody>
          <xsl:for-each select="$nodes">
            <tr id="{@OID}">
              <td><xsl:value-of select="substring-after(@OID, '.')"/></td>
              <td><xsl:value-of select="o:Description/o:TranslatedText"/></td>
            </tr>
          </xsl:for-each>
        </tbody>
      </table>
    </xsl:if>
  </xsl:template>
</xsl:stylesheet>
