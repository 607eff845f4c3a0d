"""Organs by the words that records have for them, so that a liver resection is known to be of a liver metastasis."""

from __future__ import annotations

from functools import lru_cache

# Beginnings of words, in the form of `drugs.plain`, by organ.
_STEMS: dict[str, tuple[str, ...]] = {
    "LIVER": ("LIVER", "HEPAT", "肝"),
    "BILE DUCT": ("BILE", "BILIARY", "CHOLANGIO", "CHOLEDOCH", "胆管"),
    "GALLBLADDER": ("GALLBLADDER", "CHOLECYST", "胆囊"),
    "LUNG": ("LUNG", "PULMON", "BRONCH", "PLEURA", "肺"),
    "BONE": ("BONE", "OSSEOUS", "VERTEBRA", "SPINE", "SPINAL", "RIB", "FEMUR", "骨"),
    "BRAIN": ("BRAIN", "CEREBR", "CRANI", "INTRACRANIAL", "脑"),
    "LYMPH NODE": ("LYMPH", "NODE", "NODAL", "淋巴"),
    "KIDNEY": ("KIDNEY", "RENAL", "NEPHR", "肾"),
    "ADRENAL GLAND": ("ADRENAL", "肾上腺"),
    "STOMACH": ("STOMACH", "GASTR", "胃"),
    "COLON": ("COLON", "COLIC", "COLORECT", "CECUM", "SIGMOID", "HEMICOLECT", "结肠"),
    "RECTUM": ("RECTUM", "RECTAL", "直肠"),
    "SMALL INTESTINE": ("DUODEN", "JEJUN", "ILEUM", "ILEAL", "SMALL"),
    "PANCREAS": ("PANCREA", "胰"),
    "BREAST": ("BREAST", "MAMMA", "乳腺"),
    "PROSTATE": ("PROSTAT", "前列腺"),
    "BLADDER": ("BLADDER", "VESICAL", "膀胱"),
    "OVARY": ("OVARY", "OVARIAN", "OOPHOR", "卵巢"),
    "UTERUS": ("UTERUS", "UTERINE", "ENDOMETR", "HYSTER", "CERVICAL", "CERVIX", "子宫"),
    "SKIN": ("SKIN", "CUTANEOUS", "DERM", "皮肤"),
    "ESOPHAGUS": ("ESOPHAG", "食管"),
    "THYROID": ("THYROID", "甲状腺"),
    "PERITONEUM": ("PERITON", "OMENT", "腹膜"),
    "SPLEEN": ("SPLEEN", "SPLENIC", "脾"),
    "HEART": ("HEART", "CARDIAC"),
    "EYE": ("EYE", "OCULAR"),
}


@lru_cache(maxsize=1 << 12)
def organs_in(words: str) -> frozenset[str]:
    """The organs that a text names (in the form of `drugs.plain`)."""
    found = words.split()
    return frozenset(
        organ
        for organ, stems in _STEMS.items()
        if any(word.startswith(stem) if stem.isascii() else stem in word for word in found for stem in stems)
    )
