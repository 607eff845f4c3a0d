"""Whether an uncoded text is the free text of a person, which a study that keeps no notes does not take up.

Such texts may name people or say what a patient told in confidence. A term of a clinician, however it is written
("肝恶性肿瘤", "Adeno-Ca. li. Mamma"), is none. The rule: a text is free text where it is prose (it has a line break,
more than 120 characters, more than 15 words, or a Chinese full stop in more than 20 characters; in a result also a
sentence that another follows, but terms are full of abbreviations); or where it is the patient's own and has more than
three words, or more than twelve characters without a space. It is the patient's own where it says "my", "our" or "we",
or the resource has one of `_OWN_CATEGORIES` or names a Patient or RelatedPerson among its `_AUTHORS`. Numbers and
dates are no free text.
"""

from __future__ import annotations

import re
from typing import Any

from fhir2cdisc.fhir.path.expression import Context
from fhir2cdisc.sdtm.rows.shapes import primitive_text

MOST_CHARACTERS, MOST_WORDS, MOST_OWN_WORDS, MOST_OWN_CHARACTERS = 120, 15, 3, 12
_CHINESE_SENTENCE = 20
# A sentence that another follows counts in a text of more words than this.
_SENTENCE_WORDS = 5
_NEXT_SENTENCE = re.compile(r"[a-zäöüß)][.!?]\s+[A-ZÄÖÜ]")
_CHINESE_STOP = re.compile("[。！？]")
_NO_WORDS = re.compile(r"[\d\s.,:/<>=+\-TZ%]*")
# "My", "our", "we" in the languages that the project meets. A bare "I" is a stage, "我院" is this hospital.
_FIRST_PERSON = re.compile(r"\b(?:[Mm]y|[Oo]ur|[Ww]e|[Ii]ch|[Mm]eine?[nmrs]?|[Ww]ir)\b|我(?:的|们|很|觉得)")
_OWN_CATEGORIES = frozenset(
    "survey health-concern care-experience-preference treatment-intervention-preference".split()
)
_AUTHORS = ("performer", "asserter", "recorder", "informationSource")
_PERSONS = ("Patient", "RelatedPerson")
_PROSE = "it is prose"
_OWN = "it is in the patient's own words"


def own_words(text: str, context: Context, is_term: bool = False) -> str:
    """Why a text is the free text of a person; blank where it is none. Says nothing of the text itself.

    `is_term` says that it is the text of a concept, not a result.
    """
    if _NO_WORDS.fullmatch(text):
        return ""
    words = text.split()
    if _is_prose(text, len(words), is_term):
        return _PROSE
    resource = context.resource
    # A form is answered by the patient, mostly with the words of the form.
    if resource.get("resourceType") == "QuestionnaireResponse":
        return ""
    if len(words) <= MOST_OWN_WORDS and (len(text) <= MOST_OWN_CHARACTERS or len(words) > 1):
        return ""
    if _FIRST_PERSON.search(text) or _is_by_patient(resource, context):
        return _OWN
    return ""


def _is_prose(text: str, words: int, is_term: bool) -> bool:
    if len(text) > MOST_CHARACTERS or words > MOST_WORDS or "\n" in text:
        return True
    if len(text) > _CHINESE_SENTENCE and _CHINESE_STOP.search(text):
        return True
    return not is_term and words > _SENTENCE_WORDS and bool(_NEXT_SENTENCE.search(text))


def _is_by_patient(resource: dict[str, Any], context: Context) -> bool:
    categories = resource.get("category")
    for category in categories if isinstance(categories, list) else [categories]:
        codings = category.get("coding") if isinstance(category, dict) else None
        for coding in codings if isinstance(codings, list) else []:
            if isinstance(coding, dict) and primitive_text(coding.get("code")) in _OWN_CATEGORIES:
                return True
    for name in _AUTHORS:
        authors = resource.get(name)
        for author in authors if isinstance(authors, list) else [authors]:
            if isinstance(author, dict) and _kind(author, context) in _PERSONS:
                return True
    return False


def _kind(reference: dict[str, Any], context: Context) -> str:
    """The resource type that a reference points at, by its `type`, its URL or its target."""
    if kind := primitive_text(reference.get("type")):
        return kind
    url = primitive_text(reference.get("reference"))
    parts = url.split("/")
    if len(parts) >= 2 and parts[-2] in _PERSONS:
        return parts[-2]
    target = context.peek(url) if url.startswith(("urn:", "#")) else None
    return primitive_text(target.get("resourceType")) if target else ""
