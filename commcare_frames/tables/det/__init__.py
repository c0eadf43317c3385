"""The language of the query files of commcare-export, CommCare's Data Export Tool (DET): records to columns."""
