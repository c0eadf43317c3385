"""The choices of select questions: value, English label, French label."""

from __future__ import annotations

Choice = tuple[str, str, str]

YES_NO = (("yes", "Yes", "Oui"), ("no", "No", "Non"))
CHOICES: dict[str, tuple[Choice, ...]] = {
    "yes_no": YES_NO,
    "agrees": (("true", "She agrees", "Elle accepte"), ("false", "She does not agree", "Elle refuse")),
    "language": (
        ("hi", "Hindi", "Hindi"),
        ("am", "Amharic", "Amharique"),
        ("fr", "French", "Français"),
        ("en", "English", "Anglais"),
    ),
    "education": (
        ("none", "None", "Aucune"),
        ("primary", "Primary", "Primaire"),
        ("secondary", "Secondary", "Secondaire"),
        ("higher", "Higher", "Supérieure"),
    ),
    "occupation": (
        ("farming", "Farming", "Agriculture"),
        ("home", "Work at home", "Travail au foyer"),
        ("trade", "Trade", "Commerce"),
        ("daily_labour", "Daily labour", "Travail journalier"),
        ("salaried", "Salaried", "Salariée"),
    ),
    "marital_status": (
        ("married", "Married", "Mariée"),
        ("single", "Single", "Célibataire"),
        ("widowed", "Widowed", "Veuve"),
        ("separated", "Separated", "Séparée"),
    ),
    "transport": (
        ("walk", "On foot", "À pied"),
        ("bus", "Bus", "Bus"),
        ("motorbike", "Motorbike", "Moto"),
        ("ambulance", "Ambulance", "Ambulance"),
    ),
    "blood_group": tuple((group, group, group) for group in ("O+", "A+", "B+", "AB+", "O-", "A-", "B-", "AB-")),
    "risk_factors": (
        ("anaemia", "Anaemia", "Anémie"),
        ("short_stature", "Short stature", "Petite taille"),
        ("previous_caesarean", "Previous caesarean", "Césarienne antérieure"),
        ("hypertension", "Hypertension", "Hypertension"),
        ("under_18", "Under 18", "Moins de 18 ans"),
        ("twins", "Twins", "Jumeaux"),
    ),
    "tests": (
        ("malaria", "Malaria", "Paludisme"),
        ("syphilis", "Syphilis", "Syphilis"),
        ("sugar", "Blood sugar", "Glycémie"),
        ("urine", "Urine", "Urine"),
    ),
    "visit_type": (("anc", "Before birth", "Prénatale"), ("pnc", "After birth", "Postnatale")),
    "danger_signs": (
        ("bleeding", "Bleeding", "Saignement"),
        ("fever", "Fever", "Fièvre"),
        ("headache", "Severe headache", "Maux de tête sévères"),
        ("swelling", "Swollen face or hands", "Visage ou mains enflés"),
        ("less_movement", "Baby moves less", "Le bébé bouge moins"),
    ),
    "side_effects": (
        ("none", "None", "Aucun"),
        ("nausea", "Nausea", "Nausée"),
        ("constipation", "Constipation", "Constipation"),
    ),
    "birth_plan": (
        ("facility", "Facility chosen", "Structure choisie"),
        ("transport", "Transport arranged", "Transport prévu"),
        ("money", "Money saved", "Argent épargné"),
        ("companion", "Companion chosen", "Accompagnante choisie"),
    ),
    "delivery_place": (
        ("facility", "Health facility", "Structure de santé"),
        ("home", "Home", "Domicile"),
        ("on_the_way", "On the way", "En route"),
    ),
    "delivery_mode": (("vaginal", "Vaginal", "Voie basse"), ("caesarean", "Caesarean", "Césarienne")),
    "outcome": (
        ("live_birth", "Live birth", "Naissance vivante"),
        ("stillbirth", "Stillbirth", "Mort-né"),
        ("miscarriage", "Miscarriage", "Fausse couche"),
    ),
    "complications": (
        ("none", "None", "Aucune"),
        ("haemorrhage", "Haemorrhage", "Hémorragie"),
        ("prolonged_labour", "Prolonged labour", "Travail prolongé"),
        ("infection", "Infection", "Infection"),
    ),
    "family_planning": (
        ("none", "None", "Aucune"),
        ("pill", "Pill", "Pilule"),
        ("injection", "Injection", "Injection"),
        ("iud", "IUD", "DIU"),
        ("condom", "Condom", "Préservatif"),
    ),
    "sex": (("f", "Girl", "Fille"), ("m", "Boy", "Garçon")),
    "feeding": (
        ("breast_only", "Breast milk only", "Lait maternel seul"),
        ("mixed", "Mixed", "Mixte"),
        ("other", "Other", "Autre"),
    ),
    "growth": (
        ("normal", "Normal", "Normale"),
        ("moderate", "Moderately underweight", "Insuffisance modérée"),
        ("severe", "Severely underweight", "Insuffisance sévère"),
    ),
    "water": (
        ("hand_pump", "Hand pump", "Pompe manuelle"),
        ("well", "Well", "Puits"),
        ("tap", "Tap", "Robinet"),
        ("river", "River", "Rivière"),
    ),
    "roof": (("thatch", "Thatch", "Chaume"), ("tin", "Tin", "Tôle"), ("tiles", "Tiles", "Tuiles")),
    "medicine": (
        ("ifa", "Iron and folic acid", "Fer et acide folique"),
        ("calcium", "Calcium", "Calcium"),
        ("ors", "Oral rehydration salts", "Sels de réhydratation"),
        ("paracetamol", "Paracetamol", "Paracétamol"),
    ),
    "closed_reason": (
        ("completed", "Completed", "Suivi terminé"),
        ("pregnancy_ended", "Pregnancy ended", "Fin de grossesse"),
        ("lost_to_follow_up", "Lost to follow-up", "Perdue de vue"),
        ("migrated", "Moved away", "Déménagée"),
        ("refused", "Refused", "Refus"),
    ),
}


def values(name: str) -> tuple[str, ...]:
    """List the values of a choice list."""
    return tuple(value for value, _, _ in CHOICES[name])
