"""Which FHIR version a resource was written in, told from its shape, since a resource does not say so itself.

R4 and R4B are the same for every resource that the project reads. What is listed here are elements and codes that
exist only in another version and that would otherwise be lost without a word. R5 is then brought to the shape of R4
(see `r5`), older versions are refused.
"""

from __future__ import annotations

import re
from typing import Any

# Resource types of FHIR R4 and R4B (hl7.org/fhir/R4/resourcelist.html; R4B/resourcelist.html).
R4_TYPES = frozenset(
    """
    Account ActivityDefinition AdministrableProductDefinition AdverseEvent AllergyIntolerance Appointment
    AppointmentResponse AuditEvent Basic Binary BiologicallyDerivedProduct BodyStructure Bundle
    CapabilityStatement CarePlan CareTeam CatalogEntry ChargeItem ChargeItemDefinition Citation Claim
    ClaimResponse ClinicalImpression ClinicalUseDefinition CodeSystem Communication CommunicationRequest
    CompartmentDefinition Composition ConceptMap Condition Consent Contract Coverage CoverageEligibilityRequest
    CoverageEligibilityResponse DetectedIssue Device DeviceDefinition DeviceMetric DeviceRequest
    DeviceUseStatement DiagnosticReport DocumentManifest DocumentReference EffectEvidenceSynthesis Encounter
    Endpoint EnrollmentRequest EnrollmentResponse EpisodeOfCare EventDefinition Evidence EvidenceReport
    EvidenceVariable ExampleScenario ExplanationOfBenefit FamilyMemberHistory Flag Goal GraphDefinition Group
    GuidanceResponse HealthcareService ImagingStudy Immunization ImmunizationEvaluation
    ImmunizationRecommendation ImplementationGuide Ingredient InsurancePlan Invoice Library Linkage List
    Location ManufacturedItemDefinition Measure MeasureReport Media Medication MedicationAdministration
    MedicationDispense MedicationKnowledge MedicationRequest MedicationStatement MedicinalProduct
    MedicinalProductAuthorization MedicinalProductContraindication MedicinalProductDefinition
    MedicinalProductIndication MedicinalProductIngredient MedicinalProductInteraction
    MedicinalProductManufactured MedicinalProductPackaged MedicinalProductPharmaceutical
    MedicinalProductUndesirableEffect MessageDefinition MessageHeader MolecularSequence NamingSystem
    NutritionOrder NutritionProduct Observation ObservationDefinition OperationDefinition OperationOutcome
    Organization OrganizationAffiliation PackagedProductDefinition Parameters Patient PaymentNotice
    PaymentReconciliation Person PlanDefinition Practitioner PractitionerRole Procedure Provenance
    Questionnaire QuestionnaireResponse RegulatedAuthorization RelatedPerson RequestGroup ResearchDefinition
    ResearchElementDefinition ResearchStudy ResearchSubject RiskAssessment RiskEvidenceSynthesis Schedule
    SearchParameter ServiceRequest Slot Specimen SpecimenDefinition StructureDefinition StructureMap
    Subscription SubscriptionStatus SubscriptionTopic Substance SubstanceDefinition SubstanceNucleicAcid
    SubstancePolymer SubstanceProtein SubstanceReferenceInformation SubstanceSourceMaterial
    SubstanceSpecification SupplyDelivery SupplyRequest Task TerminologyCapabilities TestReport TestScript
    ValueSet VerificationResult VisionPrescription
    """.split()
)

# Types of other versions only: the version that has them.
OTHER_TYPES = {
    "MedicationOrder": "DSTU2",
    "DiagnosticOrder": "DSTU2",
    "BodySite": "DSTU2",
    "Conformance": "DSTU2",
    "ReferralRequest": "STU3",
    "ProcedureRequest": "STU3",
    "Sequence": "STU3",
    "DeviceComponent": "STU3",
    "EligibilityRequest": "STU3",
    "ActorDefinition": "R5",
    "BiologicallyDerivedProductDispense": "R5",
    "DeviceUsage": "R5",
    "FormularyItem": "R5",
    "GenomicStudy": "R5",
    "ImagingSelection": "R5",
    "InventoryReport": "R5",
    "NutritionIntake": "R5",
    "Permission": "R5",
    "RequestOrchestration": "R5",
    "Requirements": "R5",
    "Transport": "R5",
}

# Types that R5 had under another name while it was drafted: their name in R4.
RENAMED_TYPES = {"MedicationUsage": "MedicationStatement"}

# Elements that R4 does not have: resource type to (element, version).
_ELEMENTS: dict[str, tuple[tuple[str, str], ...]] = {
    "AdverseEvent": (
        ("occurrenceDateTime", "R5"),
        ("occurrencePeriod", "R5"),
        ("code", "R5"),
        ("status", "R5"),
        ("type", "STU3"),
    ),
    "AllergyIntolerance": (("substance", "DSTU2"), ("assertedDate", "STU3")),
    "BodyStructure": (("includedStructure", "R5"),),
    "Condition": (
        ("patient", "DSTU2"),
        ("dateRecorded", "DSTU2"),
        ("assertedDate", "STU3"),
        ("context", "STU3"),
        ("participant", "R5"),
    ),
    "Consent": (("subject", "R5"), ("decision", "R5"), ("grantee", "R5"), ("consentingParty", "STU3")),
    "Encounter": (("actualPeriod", "R5"), ("plannedStartDate", "R5"), ("admission", "R5"), ("patient", "DSTU2")),
    "ImagingStudy": (("context", "STU3"), ("patient", "STU3")),
    "Immunization": (("wasNotGiven", "DSTU2"), ("notGiven", "STU3"), ("informationSource", "R5")),
    "MedicationAdministration": (
        ("medication", "R5"),
        ("occurenceDateTime", "R5"),
        ("occurencePeriod", "R5"),
        ("occurrenceDateTime", "R5"),
        ("occurrencePeriod", "R5"),
        ("effectiveTimePeriod", "DSTU2"),
        ("wasNotGiven", "DSTU2"),
        ("notGiven", "STU3"),
    ),
    "MedicationRequest": (("medication", "R5"), ("context", "STU3")),
    "Medication": (("doseForm", "R5"), ("marketingAuthorizationHolder", "R5")),
    "MedicationStatement": (
        ("medication", "R5"),
        ("adherence", "R5"),
        ("wasNotTaken", "DSTU2"),
        ("taken", "STU3"),
    ),
    "Observation": (("context", "STU3"), ("comments", "DSTU2"), ("triggeredBy", "R5")),
    "Procedure": (
        ("occurrenceDateTime", "R5"),
        ("occurrencePeriod", "R5"),
        ("notDone", "STU3"),
        ("notPerformed", "DSTU2"),
        ("context", "STU3"),
    ),
    "QuestionnaireResponse": (("context", "STU3"),),
    "ResearchSubject": (("subject", "R5"), ("progress", "R5")),
}


# Elements that are a code before R4 and a CodeableConcept since.
_CONCEPT_IN_R4 = {
    "AllergyIntolerance": ("clinicalStatus", "verificationStatus"),
    "Condition": ("clinicalStatus", "verificationStatus"),
}


# Codes of a status that R4 does not have, and the version that has them.
_STATUSES = {
    "Encounter": (("completed", "R5"), ("discharged", "R5"), ("discontinued", "R5"), ("on-hold", "R5")),
    "MedicationStatement": (("recorded", "R5"), ("draft", "R5")),
}
# Elements that are one object in R4 and a list in R5.
_LIST_IN_R5 = {"AdverseEvent": ("outcome",), "Encounter": ("class",)}
_NUMBERS = {"1": "DSTU2", "3": "STU3", "5": "R5"}
_PROFILE = re.compile(r"hl7\.org/fhir/(?:(\d)\.\d/)?StructureDefinition/\w+(?:\|(\d)\.\d)?")


def other_version(resource: dict[str, Any]) -> tuple[str, str] | None:
    """(element, version) of the first sign that a resource is not R4 or R4B; None where there is none."""
    kind = RENAMED_TYPES.get(resource.get("resourceType", ""), resource.get("resourceType", ""))
    for element, version in _ELEMENTS.get(kind, ()):
        if element in resource:
            return element, version
    for element in _LIST_IN_R5.get(kind, ()):
        if isinstance(resource.get(element), list):
            return element, "R5"
    if kind == "Encounter" and isinstance(resource.get("class"), str):
        return "class", "DSTU2"
    # A status that is a code in STU3 and a CodeableConcept in R4 would pass unseen for "not refuted".
    for element in _CONCEPT_IN_R4.get(kind, ()):
        if isinstance(resource.get(element), str):
            return element, "STU3"
    for status, version in _STATUSES.get(kind, ()):
        if resource.get("status") == status:
            return "status", version
    return _said_version(resource)


def _said_version(resource: dict[str, Any]) -> tuple[str, str] | None:
    """What a resource says itself: `fhirVersion`, or a profile of a version of the base specification."""
    number = resource.get("fhirVersion")
    if isinstance(number, str) and number[:1] in _NUMBERS:
        return "fhirVersion", _NUMBERS[number[:1]]
    meta = resource.get("meta")
    profiles = meta.get("profile") if isinstance(meta, dict) else None
    for profile in profiles if isinstance(profiles, list) else ():
        found = _PROFILE.search(profile) if isinstance(profile, str) else None
        if found and (version := _NUMBERS.get(found[1] or found[2] or "")):
            return "meta.profile", version
    return None
