"""Every resource of CommCare HQ that can be read, declared once."""

from __future__ import annotations

from commcare_frames.hq.resource import PageStyle, Resource

CASE_V1 = Resource(
    title="Case API v1",
    path="/a/{domain}/api/case/v1/",
    old_path="/a/{domain}/api/v0.5/case/",
    records="objects",
    page_style=PageStyle.STAMP,
    largest_page=5000,
    key="case_id",
    stamp="indexed_on",
    permission="Edit Data",
    has_v0_4=True,
)
CASE_V2 = Resource(
    title="Case API v2",
    path="/a/{domain}/api/case/v2/",
    old_path="/a/{domain}/api/v0.6/case/",
    records="cases",
    page_style=PageStyle.CURSOR,
    largest_page=5000,
    key="case_id",
    stamp="indexed_on",
    permission="Edit Data",
    web_users_only=False,
    is_selective=True,
    version_1=CASE_V1,
)
CASE_V2_BULK = Resource(
    title="Case API v2 (bulk fetch)",
    path="/a/{domain}/api/case/v2/bulk-fetch/",
    old_path="/a/{domain}/api/v0.6/case/bulk-fetch/",
    records="cases",
    largest_page=5000,
    key="case_id",
    stamp="indexed_on",
    permission="Edit Data",
    web_users_only=False,
)
FORM = Resource(
    title="Form API",
    path="/a/{domain}/api/form/v1/",
    old_path="/a/{domain}/api/v0.5/form/",
    records="objects",
    page_style=PageStyle.STAMP,
    largest_page=1000,
    stamp="indexed_on",
    permission="Edit Data",
    has_v0_4=True,
)
FORM_ATTACHMENT = Resource(
    title="API of form attachments",
    path="/a/{domain}/api/form_attachment/v1/",
    old_path="/a/{domain}/api/form/attachment/",
    permission="Edit Data",
    web_users_only=False,
    is_page_when_missing=True,
    is_throttled=False,
)
CASE_TYPES = Resource(
    title="list of case types",
    path="/a/{domain}/api/domain_cases/v1/",
    old_path="/a/{domain}/api/v0.5/domain_cases/",
    records="objects",
    page_style=PageStyle.OFFSET,
    largest_page=1000,
    key="case_type",
    is_throttled=False,
)
APPLICATIONS = Resource(
    title="Application structure API",
    path="/a/{domain}/api/application/v1/",
    old_path="/a/{domain}/api/v0.5/application/",
    records="objects",
    timeout=600.0,
    has_v0_4=True,
)
APPLICATION_FILE = Resource(
    title="download of an application's .ccz file",
    path="/a/{domain}/apps/api/download_ccz/",
    old_path="/a/{domain}/apps/api/download_ccz/",
    web_users_only=False,
    is_api=False,
    timeout=600.0,
    is_throttled=False,
)
RESTORE = Resource(
    title="restore",
    path="/a/{domain}/phone/restore/",
    old_path="/a/{domain}/phone/restore/",
    permission="Mobile App Access",
    web_users_only=False,
    is_api=False,
    is_page_when_missing=True,
    timeout=600.0,
    is_throttled=False,
)
FIXTURES = Resource(
    title="API of lookup table rows",
    path="/a/{domain}/api/fixture/v1/",
    old_path="/a/{domain}/api/v0.5/fixture/",
    records="objects",
    page_style=PageStyle.OFFSET,
    largest_page=1000,
    permission="Edit Apps",
    has_v0_4=True,
)
LOOKUP_TABLES = Resource(
    title="list of lookup tables",
    path="/a/{domain}/api/lookup_table/v1/",
    old_path="/a/{domain}/api/v0.5/lookup_table/",
    records="objects",
    page_style=PageStyle.OFFSET,
    largest_page=1000,
)
LOOKUP_ITEMS = Resource(
    title="API of the rows of all lookup tables",
    path="/a/{domain}/api/lookup_table_item/v1/",
    old_path="/a/{domain}/api/v0.5/lookup_table_item/",
    records="objects",
    page_style=PageStyle.OFFSET,
    largest_page=1000,
)
SIGN_ON = Resource(
    title="single sign-on check",
    path="/a/{domain}/api/sso/v1/",
    old_path="/a/{domain}/api/v0.5/sso/",
    web_users_only=False,
    is_api=False,
    takes_form=True,
    has_v0_4=True,
)
IDENTITY = Resource(
    title="Identity API",
    path="/api/identity/v1/",
    old_path="/api/v0.5/identity/",
    is_throttled=False,
    is_api=False,
)
USER_DOMAINS = Resource(
    title="list of a user's domains",
    path="/api/user_domains/v1/",
    old_path="/api/v0.5/user_domains/",
    records="objects",
    key="domain_name",
    is_throttled=False,
    is_api=False,
)
REPORTS = Resource(
    title="list of reports",
    path="/a/{domain}/api/simplereportconfiguration/v1/",
    old_path="/a/{domain}/api/v0.5/simplereportconfiguration/",
    records="objects",
)
REPORT_DATA = Resource(
    title="Report API",
    path="/a/{domain}/api/configurablereportdata/v1/",
    old_path="/a/{domain}/api/v0.5/configurablereportdata/",
    records="data",
    page_style=PageStyle.OFFSET,
    largest_page=50,
    permission="Access All Reports",
)
DATA_SOURCES = Resource(
    title="list of UCR data sources",
    path="/a/{domain}/api/ucr_data_source/v1/",
    old_path="/a/{domain}/api/v0.5/ucr_data_source/",
    records="objects",
    permission="Create and Edit Configurable Reports",
    feature_flag="USER_CONFIGURABLE_REPORTS",
)
DATA_SOURCE_ROWS = Resource(
    title="UCR data source API",
    path="/a/{domain}/api/ucr/v1/",
    old_path="/a/{domain}/api/v0.5/ucr/",
    records="objects",
    page_style=PageStyle.CURSOR,
    largest_page=10_000,
    permission="Edit Data",
    feature_flag="EXPORT_DATA_SOURCE_DATA",
    web_users_only=False,
    repeats_params=True,
)
DET_EXPORTS = Resource(
    title="list of exports for the Data Export Tool",
    path="/a/{domain}/api/det_export_instance/v1/",
    old_path="/a/{domain}/api/det_export_instance/v1/",
    records="objects",
    page_style=PageStyle.OFFSET,
    largest_page=1000,
    permission="Access All Reports",
)
DET_CONFIG = Resource(
    title="query file of a saved export",
    path="",  # HQ's list of exports has it
    old_path="",
    is_api=False,
    is_page_when_missing=True,
)
MESSAGING_EVENTS = Resource(
    title="Messaging Event API",
    path="/a/{domain}/api/messaging-event/v1/",
    old_path="/a/{domain}/api/v0.5/messaging-event/",
    records="objects",
    page_style=PageStyle.SEEK,
    largest_page=1000,
    stamp="date_last_activity",
    permission="Edit Data",
    web_users_only=False,
    is_counted=False,
)
DEVICE_LOGS = Resource(
    title="Device Log API",
    path="/a/{domain}/api/device-log/v1/",
    old_path="/a/{domain}/api/v0.5/device-log/",
    records="objects",
    page_style=PageStyle.OFFSET,
    largest_page=1000,
    permission="Edit Data",
    is_counted=False,
    is_throttled=False,
)
ACTION_TIMES = Resource(
    title="Action Times API",
    path="/a/{domain}/api/action_times/v1/",
    old_path="/a/{domain}/api/v0.5/action_times/",
    records="objects",
    page_style=PageStyle.CURSOR,
    largest_page=10_000,
    permission="View Web Users",
    feature_flag="ACTION_TIMES_API",
    flag_of_user=True,
    is_counted=False,
    is_throttled=False,
)
ODATA_CASES = Resource(
    title="OData feed of cases",
    path="/a/{domain}/api/odata/cases/v1/",
    old_path="/a/{domain}/api/v0.5/odata/cases/",
    records="value",
    page_style=PageStyle.LINK,
    largest_page=10_000,
    permission="Access All Reports",
    is_counted=False,
    is_api=False,
)
ODATA_FORMS = Resource(
    title="OData feed of forms",
    path="/a/{domain}/api/odata/forms/v1/",
    old_path="/a/{domain}/api/v0.5/odata/forms/",
    records="value",
    page_style=PageStyle.LINK,
    largest_page=10_000,
    permission="Access All Reports",
    is_counted=False,
    is_api=False,
)
USERS = Resource(
    title="API of mobile workers",
    path="/a/{domain}/api/user/v1/",
    old_path="/a/{domain}/api/v0.5/user/",
    records="objects",
    page_style=PageStyle.OFFSET,
    largest_page=1000,
    permission="Edit Mobile Workers",
    has_v0_4=True,
)
WEB_USERS = Resource(
    title="API of web users",
    path="/a/{domain}/api/web-user/v1/",
    old_path="/a/{domain}/api/v0.5/web-user/",
    records="objects",
    page_style=PageStyle.OFFSET,
    largest_page=1000,
    permission="Edit Web Users",
    has_v0_4=True,
)
GROUPS = Resource(
    title="API of groups",
    path="/a/{domain}/api/group/v1/",
    old_path="/a/{domain}/api/v0.5/group/",
    records="objects",
    page_style=PageStyle.OFFSET,
    largest_page=1000,
    permission="Edit Mobile Workers",
    has_v0_4=True,
)
USERNAMES = Resource(
    title="list of usernames",
    path="/a/{domain}/api/domain_usernames/v1/",
    old_path="/a/{domain}/api/v0.5/domain_usernames/",
    records="objects",
    page_style=PageStyle.OFFSET,
    largest_page=1000,
    key="user_id",
    permission="View Mobile Workers",
    is_throttled=False,
)
LOCATIONS_V1 = Resource(
    title="Location API v1",
    path="/a/{domain}/api/location/v1/",
    old_path="/a/{domain}/api/v0.5/location/",
    records="objects",
    page_style=PageStyle.OFFSET,
    largest_page=1000,
    key="location_id",
    permission="Edit Locations",
    plan_feature="locations",
    is_throttled=False,
)
LOCATIONS = Resource(
    title="Location API v2",
    path="/a/{domain}/api/location/v2/",
    old_path="/a/{domain}/api/v0.6/location/",
    records="objects",
    page_style=PageStyle.STAMP,
    largest_page=5000,
    key="location_id",
    stamp="last_modified",
    exact_stamps=True,
    permission="Edit Locations",
    plan_feature="locations",
    is_throttled=False,
    version_1=LOCATIONS_V1,
)
LOCATION_TYPES = Resource(
    title="API of location types",
    path="/a/{domain}/api/location_type/v1/",
    old_path="/a/{domain}/api/v0.5/location_type/",
    records="objects",
    page_style=PageStyle.OFFSET,
    largest_page=1000,
    permission="Edit Locations",
    plan_feature="locations",
    is_throttled=False,
)
