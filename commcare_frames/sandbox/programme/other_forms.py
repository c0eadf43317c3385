"""The forms about a household, a birth and a child, and the one that supervisors fill in."""

from __future__ import annotations

from .questions import PHONE, Form, Question, group, hidden, model_repeat, repeat, xmlns, yes_no

HOUSEHOLD = Form(
    "household",
    xmlns("5A0D3F42-7C52-4C7B-9E0B-1E6C8C2B7A01"),
    "Register household",
    "Enregistrer un ménage",
    "households",
    (
        Question(
            "head_name", "Text", "Name of the head of household", "Nom du chef de ménage", "household", required=True
        ),
        Question("phone", "PhoneNumber", "Phone number", "Numéro de téléphone", "household", constraint=PHONE),
        Question("language", "Select", "Language spoken", "Langue parlée", "household", choices="language"),
        group(
            "home",
            "The home",
            "Le logement",
            Question("gps", "Geopoint", "Position of the home", "Position du logement", "household"),
            Question("village", "Text", "Village", "Village", "household", required=True),
            hidden("village_code", "household", "instance('locations')/site_code"),
            Question("roof", "Select", "Roof", "Toit", "household", choices="roof"),
            Question("water_source", "MSelect", "Sources of water", "Sources d'eau", "household", choices="water"),
            yes_no("toilet", "Is there a toilet?", "Y a-t-il des toilettes ?", "household"),
            Question("bed_nets", "Int", "How many bed nets?", "Combien de moustiquaires ?", "household", since=18),
        ),
        Question("members", "Int", "How many people live here?", "Combien de personnes vivent ici ?", "household"),
        repeat(
            "children",
            "Child under five",
            "Enfant de moins de cinq ans",
            Question("child_name", "Text", "Name of the child", "Nom de l'enfant", required=True),
            Question("sex", "Select", "Sex", "Sexe", choices="sex"),
            Question("age_months", "Int", "Age in months", "Âge en mois", constraint=". >= 0 and . < 60"),
            repeat(
                "vaccinations",
                "Vaccination on the card",
                "Vaccination sur la carte",
                Question("vaccine", "Select", "Vaccine", "Vaccin", lookup="vaccine"),
                Question("given_on", "Date", "Given on", "Administré le"),
            ),
        ),
        hidden("wealth_score", "household", "round(count-selected(/data/home/water_source) * 1.7, 2)", since=25),
        hidden("registered_on", "household", "today()"),
    ),
)
DELIVERY = Form(
    "delivery",
    xmlns("7B6D5C4A-11AA-4D0E-A9F3-3C2B1A0F9E04"),
    "Delivery",
    "Accouchement",
    "mothers",
    (
        Question("delivery_date", "Date", "Date of delivery", "Date d'accouchement", "patient", required=True),
        Question("delivery_outcome", "Select", "Outcome", "Issue", "patient", choices="outcome"),
        Question("delivery_place", "Select", "Where?", "Où ?", "patient", choices="delivery_place"),
        Question("delivery_mode", "Select", "How?", "Comment ?", "patient", choices="delivery_mode", since=18),
        hidden("delivery_weeks", "patient", "(/data/delivery_date - #case/lmp) div 7", since=25),
        Question(
            "complications", "MSelect", "Complications", "Complications", "patient", choices="complications", since=25
        ),
        Question("children_born", "Int", "Children born alive", "Enfants nés vivants", "patient", since=18),
        repeat(
            "babies",
            "Baby",
            "Bébé",
            Question("baby_name", "Text", "Name", "Nom"),
            Question("sex", "Select", "Sex", "Sexe", "child", choices="sex"),
            Question("birth_weight_kg", "Double", "Weight at birth in kg", "Poids de naissance en kg", "child"),
            hidden("birth_order", "child", "position(..) + 1"),
            hidden("dob", "child", "/data/delivery_date"),
            hidden("mother_name", "child", "#case/name"),
            hidden("village", "child", "#case/village"),
            hidden("twin", "child", "if(count(/data/babies) > 1, 'yes', 'no')", since=18),
        ),
        yes_no(
            "breastfed_1h",
            "Breastfed within the hour?",
            "Allaité dans l'heure ?",
            "patient",
            relevant="/data/delivery_outcome = 'live_birth'",
            since=18,
        ),
        Question(
            "fp-method",
            "Select",
            "Family planning",
            "Planification familiale",
            "patient",
            choices="family_planning",
            since=25,
        ),
        hidden("last_modified", "patient", "today()", since=25),
    ),
)
CHILD_VISIT = Form(
    "child_visit",
    xmlns("E84F0D2B-9C37-4A6F-8D55-6B7A8C9D0E05"),
    "Child visit",
    "Visite de l'enfant",
    "children",
    (
        Question("last_visit", "Date", "Date of the visit", "Date de la visite", "child", required=True),
        hidden("age_weeks", "child", "int((today() - #case/dob) div 7)"),
        Question("weight_kg", "Double", "Weight in kg", "Poids en kg", "child"),
        Question("muac_cm", "Double", "Upper arm in cm", "Périmètre brachial en cm", "child", since=18),
        Question("growth", "Select", "Growth", "Croissance", "child", choices="growth"),
        Question("feeding", "Select", "Feeding", "Alimentation", "child", choices="feeding"),
        Question("vaccines", "MSelect", "Vaccines given so far", "Vaccins reçus à ce jour", "child", lookup="vaccine"),
        Question("next_visit", "Date", "Next visit", "Prochaine visite", "child"),
    ),
)
SUPERVISION = Form(
    "supervision",
    xmlns("91F7E6D5-3B2A-4C18-A0F9-E8D7C6B5A407"),
    "Supervision",
    "Supervision",
    "supervision",
    (
        Question("worker", "Text", "Mobile worker", "Agent mobile", required=True),
        Question("stock", "MSelect", "Medicines in stock", "Médicaments en stock", choices="medicine"),
        Question("score", "Int", "Score out of ten", "Note sur dix", constraint=". >= 0 and . <= 10"),
        Question("remarks", "Text", "Remarks", "Observations"),
        model_repeat(
            "stock_check",
            "Medicine counted",
            "Médicament compté",
            Question("units_left", "Int", "How many are left?", "Combien en reste-t-il ?", constraint=". >= 0"),
            Question("expires_on", "Date", "When does the oldest expire?", "Quand le plus ancien expire-t-il ?"),
        ),
    ),
)
