"""`read_restore`: what the phone of a user holds, however long HQ takes to make it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

import commcare_frames as ccf
from commcare_frames.errors import (
    DtypeError,
    LoginError,
    NotFoundError,
    PermissionMissingError,
    QueryError,
    RateLimitError,
    ReadCancelledError,
    ServerFailedError,
    WrongServerError,
)
from commcare_frames.hq.client import Patience
from commcare_frames.read.progress import ProgressLine
from commcare_frames.sandbox import restore as served
from commcare_frames.sandbox import start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from commcare_frames.connection import Domain
    from commcare_frames.sandbox import Sandbox
    from commcare_frames.sandbox.accounts import Login

RESTORE = "/phone/restore/"


@pytest.fixture(scope="module")
def quiet() -> Iterator[Sandbox]:
    with start(patients=40) as running:
        yield running


@pytest.fixture
def hq(quiet: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox whose restores are ready at once, or after as many questions as the fault says, none a second long."""
    monkeypatch.setattr("commcare_frames.read.restores._SHORTEST", 0.02)
    monkeypatch.setattr(served, "RETRY_AFTER", "0.02")
    yield quiet
    quiet.faults.clear()


def sign_in(hq: Sandbox, login: Login, *, by_password: bool = False, longest_wait: float = 5.0) -> Domain:
    secret = {"password": login.password} if by_password else {"api_key": login.api_key}
    patience = Patience(attempts=2, first_wait=0.01, longest_wait=longest_wait)
    return ccf.connect("maternal-health", server=hq.url, username=login.username, patience=patience, **secret)  # type: ignore[arg-type]


@pytest.fixture
def place(hq: Sandbox) -> Domain:
    return sign_in(hq, hq.admin)


def asked(hq: Sandbox, begin: int) -> list[dict[str, str]]:
    return [dict(one.query) for one in hq.log[begin:] if RESTORE in one.path]


def test_the_cases_are_those_of_read_cases_that_the_user_can_see(place: Domain, hq: Sandbox) -> None:
    phone = ccf.read_restore(hq.mobile_worker.username)
    cases = phone["cases"]
    mine = ccf.read_cases(case_ids=cases["case_id"].tolist(), dtypes="string").set_index("case_id")
    users = hq._hq.domains["maternal-health"].programme.users
    user = next(each for each in users if each["username"] == hq.mobile_worker.username)
    owners = {user["id"], *user["groups"], *user["locations"]}

    assert len(cases) >= 3
    assert cases["owner_id"].isin(owners).mean() > 0.5
    assert cases["last_modified"].is_monotonic_increasing
    same = ccf.read_restore(hq.mobile_worker.username, dtypes="string")["cases"].set_index("case_id")
    for name in ("case_type", "case_name", "owner_id", "date_opened", "last_modified", "closed", "head_name", "dob"):
        assert same[name].dropna().to_dict() == mine.loc[same.index, name].dropna().to_dict()
    assert cases.attrs["commcare"]["sync_token"] == phone.attrs["commcare"]["sync_token"]


def test_a_mobile_worker_reads_what_is_on_the_own_phone(hq: Sandbox) -> None:
    sign_in(hq, hq.admin)
    seen = ccf.read_restore(hq.mobile_worker.username)
    sign_in(hq, hq.mobile_worker, by_password=True)
    before = len(hq.log)
    own = ccf.read_restore()

    assert own["cases"].equals(seen["cases"])
    assert hq.mobile_worker.username not in str(own.attrs)
    assert "as" not in asked(hq, before)[0]
    before = len(hq.log)
    ccf.read_restore(hq.mobile_worker.username.partition("@")[0].upper())
    assert "as" not in asked(hq, before)[0]


def test_fixtures_and_the_user_are_frames(place: Domain, hq: Sandbox) -> None:
    phone = ccf.read_restore(hq.mobile_worker.username)

    assert phone["item-list:district"]["code"].tolist()[:2] == ["gay", "pur"]
    assert phone["user-groups"].columns.tolist() == ["@id", "name"]
    assert phone["user"]["username"].tolist() == [hq.mobile_worker.username.partition("@")[0]]
    assert phone["user"]["user_data.worker_code"].tolist() == ["0127"]
    assert "password" not in phone["user"].columns
    assert phone["item-list:vaccine"].attrs["commcare"]["fixture"] == "item-list:vaccine"
    assert "'item-list:district'" in repr(phone)
    assert "joined by" not in repr(phone)


def test_a_user_without_cases_has_typed_empty_ones(place: Domain) -> None:
    cases = ccf.read_restore()["cases"]

    assert len(cases) == 0
    assert str(cases["last_modified"].dtype) == "datetime64[us, UTC]"
    assert str(cases["closed"].dtype) == "boolean"


def test_types_are_as_in_read_cases(place: Domain, hq: Sandbox) -> None:
    name = hq.mobile_worker.username

    assert str(ccf.read_restore(name)["cases"]["age"].dtype) == "Int64"
    assert str(ccf.read_restore(name, dtypes="string")["cases"]["age"].dtype) == "str"
    assert str(ccf.read_restore(name, dtypes={"age": "Float64"})["cases"]["age"].dtype) == "Float64"
    with pytest.raises(DtypeError, match="do not fit Int64: .* in case"):
        ccf.read_restore(name, dtypes={"head_name": "Int64"})


def test_a_restore_that_takes_a_while_is_waited_for(place: Domain, hq: Sandbox) -> None:
    hq.faults.restores_pending = 3
    before = len(hq.log)
    phone = ccf.read_restore(hq.mobile_worker.username)
    questions = asked(hq, before)

    assert len(phone["cases"]) > 0
    assert len(questions) == 4
    assert ["overwrite_cache" in each for each in questions] == [True, False, False, False]
    assert {each["openrosa_version"] for each in questions} == {"2.1"}
    assert {each["device_id"] for each in questions} == {"commcare_frames"}


def test_a_restore_that_never_comes_ends_with_an_error(hq: Sandbox) -> None:
    sign_in(hq, hq.admin, longest_wait=0.1)
    hq.faults.restores_pending = 1000

    with pytest.raises(ServerFailedError, match="still preparing the restore .* run the same call again later"):
        ccf.read_restore(hq.mobile_worker.username)


def test_waiting_for_a_restore_is_told_and_can_be_cancelled(
    place: Domain, hq: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served, "RETRY_AFTER", "30")
    hq.faults.restores_pending = 10
    told: list[str] = []

    def waited(_seconds: float, why: str) -> None:
        told.append(why)
        place.client.cancel()

    monkeypatch.setattr(ProgressLine, "_wait", lambda _self, seconds, why: waited(seconds, why))
    begun = time.monotonic()
    with pytest.raises(ReadCancelledError):
        ccf.read_restore(hq.mobile_worker.username)

    assert "prepares the restore" in told[0]
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    "fault",
    [
        lambda faults: faults.cut_short(path=RESTORE, times=1),
        lambda faults: faults.cut_short(path=RESTORE, times=1, chunked=True),
        lambda faults: faults.invalid_json(path=RESTORE, times=1),
        lambda faults: faults.web_page(path=RESTORE, times=1),
        lambda faults: faults.status(504, path=RESTORE, times=1),
        lambda faults: faults.status(429, path=RESTORE, times=1),
    ],
)
def test_what_breaks_once_is_asked_again(fault: Any, place: Domain, hq: Sandbox) -> None:
    whole = ccf.read_restore(hq.mobile_worker.username)["cases"]
    fault(hq.faults)

    assert ccf.read_restore(hq.mobile_worker.username)["cases"].equals(whole)


def test_what_stays_broken_is_an_error(place: Domain, hq: Sandbox) -> None:
    hq.faults.invalid_json(path=RESTORE)
    with pytest.raises(ServerFailedError, match="XML that is damaged or breaks off"):
        ccf.read_restore(hq.mobile_worker.username)
    hq.faults.clear()
    hq.faults.status(429, path=RESTORE, retry_after="900")
    with pytest.raises(RateLimitError):
        ccf.read_restore(hq.mobile_worker.username)


def test_users_that_there_are_not(place: Domain, hq: Sandbox) -> None:
    with pytest.raises(NotFoundError, match="Invalid restore as user nobody@maternal-health.commcarehq.org"):
        ccf.read_restore("nobody")
    with pytest.raises(PermissionMissingError, match="oauth@example.org was not in the domain"):
        ccf.read_restore(hq.oauth.username)
    for wrong, said in (("", "is no name"), (" ", "is no name"), (7, "user is a text or None")):
        with pytest.raises(QueryError, match=said):
            ccf.read_restore(wrong)  # type: ignore[arg-type]


def test_who_lacks_the_permission_is_told_which(hq: Sandbox) -> None:
    sign_in(hq, hq.no_edit, by_password=True)
    with pytest.raises(PermissionMissingError, match='a role with "Mobile App Access" in that domain') as caught:
        ccf.read_restore()
    assert "API access" not in str(caught.value)


def test_an_account_that_was_deactivated(place: Domain, hq: Sandbox) -> None:
    hq.faults.status(406, path=RESTORE, body="json")
    with pytest.raises(LoginError, match="deactivated or was deleted"):
        ccf.read_restore()
    hq.faults.clear()
    hq.faults.status(401, path=RESTORE)
    with pytest.raises(LoginError, match="username or key is wrong"):
        ccf.read_restore()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (lambda faults: faults.login_page(path=RESTORE), LoginError),
        (lambda faults: faults.redirect("https://phones.example.org/", path=RESTORE), WrongServerError),
    ],
)
def test_a_redirect_is_not_followed(fault: Any, error: type[Exception], place: Domain, hq: Sandbox) -> None:
    fault(hq.faults)
    with pytest.raises(error):
        ccf.read_restore()


def test_the_restore_of_an_application(place: Domain, hq: Sandbox) -> None:
    before = len(hq.log)
    ccf.read_restore(hq.mobile_worker.username, app="Mother and Child")
    app_id = ccf.list_apps().set_index("app")["app_id"]["Mother and Child"]

    assert [one.path for one in hq.log[before:] if RESTORE in one.path] == [f"/a/maternal-health{RESTORE}{app_id}/"]
    with pytest.raises(NotFoundError, match="There is no app 'Mother'"):
        ccf.read_restore(app="Mother")


def test_an_application_that_was_deleted_meanwhile(place: Domain, hq: Sandbox) -> None:
    hq.faults.status(404, path=RESTORE, body="html")

    with pytest.raises(NotFoundError, match="has no restore for application"):
        ccf.read_restore(app="Mother and Child")
