"""Words and codes that simulated resources use: organs, laboratory tests, adverse events, genes, drugs.

Codes are given only where a source for them was seen; a term without one is written as text. Chinese display
texts serve the dialect of a Chinese hospital.
"""

from __future__ import annotations

from typing import NamedTuple

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
NCIT = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
UCUM = "http://unitsofmeasure.org"
ATC = "http://www.whocc.no/atc"
ICD10 = "http://hl7.org/fhir/sid/icd-10"
HL7 = "http://terminology.hl7.org/CodeSystem/"
URN = "urn:fhir2cdisc:"
LOCAL = "urn:fhir2cdisc:hospital-cn:"


class Organ(NamedTuple):
    """Where a lesion lies: CDISC LOC word, SNOMED code, Chinese text."""

    loc: str
    snomed: str
    zh: str


ORGANS = {
    "LIVER": Organ("LIVER", "10200004", "肝脏"),
    "LUNG": Organ("LUNG", "39607008", "肺"),
    "LYMPH NODE": Organ("LYMPH NODE", "59441001", "淋巴结"),
    "PERITONEUM": Organ("PERITONEUM", "15425007", "腹膜"),
    "ADRENAL GLAND": Organ("ADRENAL GLAND", "23451007", "肾上腺"),
    "BONE": Organ("BONE", "272673000", "骨"),
    "GALLBLADDER": Organ("GALLBLADDER", "28231008", "胆囊"),
}


class Lab(NamedTuple):
    """A laboratory test: LOINC, text, Chinese text, UCUM unit, usual low and high, mean and spread."""

    loinc: str
    text: str
    zh: str
    unit: str
    low: float
    high: float
    mean: float
    spread: float


LABS = {
    "ALT": Lab("1742-6", "Alanine aminotransferase", "丙氨酸氨基转移酶", "U/L", 9, 50, 34, 14),
    "AST": Lab("1920-8", "Aspartate aminotransferase", "天门冬氨酸氨基转移酶", "U/L", 15, 40, 36, 14),
    "BILI": Lab("14631-6", "Total bilirubin", "总胆红素", "umol/L", 5, 21, 14, 6),
    "ALB": Lab("1751-7", "Albumin", "白蛋白", "g/L", 40, 55, 40, 4),
    "CREAT": Lab("14682-9", "Creatinine", "肌酐", "umol/L", 57, 111, 75, 14),
    "HGB": Lab("718-7", "Hemoglobin", "血红蛋白", "g/L", 115, 150, 122, 13),
    "WBC": Lab("6690-2", "Leukocytes", "白细胞", "10*9/L", 3.5, 9.5, 5.8, 1.7),
    "PLAT": Lab("777-3", "Platelets", "血小板", "10*9/L", 125, 350, 190, 60),
}


class Vital(NamedTuple):
    """A vital sign: LOINC, text, UCUM unit, mean and spread."""

    loinc: str
    text: str
    zh: str
    unit: str
    mean: float
    spread: float


VITALS = {
    "WEIGHT": Vital("29463-7", "Body weight", "体重", "kg", 62, 10),
    "HEIGHT": Vital("8302-2", "Body height", "身高", "cm", 165, 8),
    "HR": Vital("8867-4", "Heart rate", "心率", "/min", 78, 9),
    "TEMP": Vital("8310-5", "Body temperature", "体温", "Cel", 36.6, 0.3),
    "SYSBP": Vital("8480-6", "Systolic blood pressure", "收缩压", "mm[Hg]", 126, 13),
    "DIABP": Vital("8462-4", "Diastolic blood pressure", "舒张压", "mm[Hg]", 78, 8),
}


class Term(NamedTuple):
    """A CTCAE term with its weight among the events, an invented body system, and an NCIt code where seen."""

    text: str
    zh: str
    weight: int
    system: str
    ncit: str = ""


AE_TERMS = (
    Term("Fatigue", "疲劳", 12, "SYNTHETIC: General condition"),
    Term("Hypertension", "高血压", 11, "SYNTHETIC: Circulation"),
    Term("Diarrhea", "腹泻", 9, "SYNTHETIC: Digestion"),
    Term("Anorexia", "食欲减退", 9, "SYNTHETIC: Digestion"),
    Term("Palmar-plantar erythrodysesthesia syndrome", "手足综合征", 8, "SYNTHETIC: Skin"),
    Term("Aspartate aminotransferase increased", "天门冬氨酸氨基转移酶升高", 8, "SYNTHETIC: Laboratory"),
    Term("Alanine aminotransferase increased", "丙氨酸氨基转移酶升高", 8, "SYNTHETIC: Laboratory"),
    Term("Blood bilirubin increased", "血胆红素升高", 7, "SYNTHETIC: Laboratory"),
    Term("Platelet count decreased", "血小板计数降低", 7, "SYNTHETIC: Laboratory"),
    Term("Proteinuria", "蛋白尿", 6, "SYNTHETIC: Kidney"),
    Term("Hypothyroidism", "甲状腺功能减退", 6, "SYNTHETIC: Hormones"),
    Term("Nausea", "恶心", 6, "SYNTHETIC: Digestion"),
    Term("Anemia", "贫血", 6, "SYNTHETIC: Blood", "C143283"),
    Term("Rash maculo-papular", "斑丘疹", 5, "SYNTHETIC: Skin"),
    Term("Abdominal pain", "腹痛", 5, "SYNTHETIC: Digestion"),
    Term("Fever", "发热", 4, "SYNTHETIC: General condition"),
    Term("Ascites", "腹水", 3, "SYNTHETIC: Digestion"),
    Term("Pneumonitis", "肺炎", 2, "SYNTHETIC: Breathing"),
)


class Gene(NamedTuple):
    """A variant: gene symbol, HGNC id, c. and p. HGVS, and the drug that it points to (none: not actionable)."""

    symbol: str
    hgnc: str
    coding: str
    protein: str
    drug: str = ""


GENES = (
    Gene("IDH1", "HGNC:5382", "c.394C>T", "p.Arg132Cys", "IVOSIDENIB"),
    Gene("FGFR2", "HGNC:3689", "c.1645A>C", "p.Asn549His", "PEMIGATINIB"),
    Gene("EGFR", "HGNC:3236", "c.2573T>G", "p.Leu858Arg", "OSIMERTINIB"),
    Gene("BRAF", "HGNC:1097", "c.1799T>A", "p.Val600Glu", "DABRAFENIB"),
    Gene("BRCA2", "HGNC:1101", "c.5946del", "p.Ser1982ArgfsTer22", "OLAPARIB"),
    Gene("ERBB2", "HGNC:3430", "c.2524G>A", "p.Val842Ile", "TRASTUZUMAB"),
    Gene("MET", "HGNC:7029", "c.3028G>A", "p.Asp1010Asn", "CRIZOTINIB"),
    Gene("PIK3CA", "HGNC:8975", "c.3140A>G", "p.His1047Arg", "EVEROLIMUS"),
    Gene("TP53", "HGNC:11998", "c.524G>A", "p.Arg175His"),
    Gene("KRAS", "HGNC:6407", "c.35G>A", "p.Gly12Asp"),
    Gene("ARID1A", "HGNC:11110", "c.5548dup", "p.Asp1850GlyfsTer33"),
    Gene("SMAD4", "HGNC:6770", "c.1082G>A", "p.Arg361His"),
)


class Schedule(NamedTuple):
    """How a drug is given: amount, unit, and by mouth or by vein."""

    amount: float
    unit: str
    oral: bool


SCHEDULES = {
    "LENVATINIB": Schedule(12, "mg", True),
    "PEMBROLIZUMAB": Schedule(200, "mg", False),
    "APATINIB": Schedule(250, "mg", True),
    "CAMRELIZUMAB": Schedule(200, "mg", False),
    "AXITINIB": Schedule(10, "mg", True),
    "TORIPALIMAB": Schedule(240, "mg", False),
    "SORAFENIB": Schedule(800, "mg", True),
    "REGORAFENIB": Schedule(160, "mg", True),
    "PEMIGATINIB": Schedule(13.5, "mg", True),
    "IVOSIDENIB": Schedule(500, "mg", True),
    "OSIMERTINIB": Schedule(80, "mg", True),
    "OLAPARIB": Schedule(600, "mg", True),
    "TRASTUZUMAB": Schedule(380, "mg", False),
    "DABRAFENIB": Schedule(300, "mg", True),
    "CRIZOTINIB": Schedule(500, "mg", True),
    "EVEROLIMUS": Schedule(10, "mg", True),
    "DOCETAXEL": Schedule(120, "mg", False),
    "IRINOTECAN": Schedule(280, "mg", False),
}
DEFAULT_SCHEDULE = Schedule(100, "mg", True)

# CDISC NCOMPLT (C66727) terms that a simulated course can end with, and their NCIt codes.
REASONS = {
    "ADVERSE EVENT": ("C41331", "不良事件"),
    "COMPLETED": ("C25250", "完成"),
    "DEATH": ("C28554", "死亡"),
    "LACK OF EFFICACY": ("C48226", "疗效不佳"),
    "LOST TO FOLLOW-UP": ("C48227", "失访"),
    "NEVER DOSED": ("C172572", "未用药"),
    "PHYSICIAN DECISION": ("C48250", "医生决定"),
    "PROGRESSIVE DISEASE": ("C35571", "疾病进展"),
    "WITHDRAWAL BY SUBJECT": ("C49634", "受试者退出"),
}
COMORBIDITIES = {
    "Chronic hepatitis B": ("61977001", "B18.1", "慢性乙型肝炎"),
    "Hypertensive disorder": ("38341003", "I10", "高血压"),
    "Diabetes mellitus type 2": ("44054006", "E11", "2型糖尿病"),
    "Cirrhosis of liver": ("19943007", "K74.6", "肝硬化"),
}
PRIOR_DRUGS = {
    "GEMCITABINE": ("L01BC05", "吉西他滨"),
    "CISPLATIN": ("L01XA01", "顺铂"),
    "OXALIPLATIN": ("L01XA03", "奥沙利铂"),
    "CAPECITABINE": ("L01BC06", "卡培他滨"),
}
LATER_DRUGS = {
    "NIVOLUMAB": ("L01FF01", "纳武利尤单抗"),
    "IRINOTECAN": ("L01CE02", "伊立替康"),
    "CAPECITABINE": ("L01BC06", "卡培他滨"),
    "BEVACIZUMAB": ("L01FG01", "贝伐珠单抗"),
}
