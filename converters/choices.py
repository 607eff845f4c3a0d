"""What a user may choose from, as the command line offers it and as the modules that do it know it."""

from __future__ import annotations

# Of the transport files; `auto` of them is ASCII wherever the text allows it.
ENCODINGS = ("ascii", "utf-8", "gb18030")
# Beside the transport files; a dataset file in such a format ends in its name.
FORMATS = ("json", "ndjson", "parquet")
LAYOUTS = ("package", "ectd")
# As which raw extracts a study can be simulated, by the built-in mapping that reads each.
EXTRACTS = ("cdash", "redcap-recist", "cn-recist")
