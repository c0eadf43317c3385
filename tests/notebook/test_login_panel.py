"""The sign-in panel: what it says, what it keeps, and that no state of a widget ever holds a secret."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from ipywidgets import Text, Widget
from ipywidgets.embed import dependency_state

import commcare_frames as ccf
from commcare_frames import addresses, connection, credentials
from commcare_frames.notebook.domain_picker import VIEW_LAGS
from commcare_frames.notebook.login_panel import LoginPanel
from commcare_frames.sandbox import start
from commcare_frames.sandbox.programme import build

if TYPE_CHECKING:
    from commcare_frames.notebook.secret_field import SecretField
    from commcare_frames.sandbox import Sandbox
    from commcare_frames.sandbox.accounts import Login

DOMAIN = "maternal-health"


def type_into(field: SecretField, text: str) -> None:
    """Send what a browser sends when a field is left."""
    field.set_state({"value": text})


def fill(panel: LoginPanel, login: Login, *, way: str = "api_key", secret: str | None = None) -> None:
    panel.form.way.value = way
    panel.form.username.value = login.username
    type_into(panel.form.secret, getattr(login, way) if secret is None else secret)


def signed_in(server: str, login: Login, way: str = "api_key") -> LoginPanel:
    panel = LoginPanel(server)
    fill(panel, login, way=way)
    panel.sign_in()
    return panel


def shown(panel: LoginPanel) -> str:
    return panel.title.value + panel.text.value + panel.message.value


def everything_saved() -> str:
    """Return all that a notebook or a web page could keep of the widgets there are."""
    return json.dumps([Widget.get_manager_state(drop_defaults=False), dependency_state(None, drop_defaults=False)])


@pytest.mark.parametrize("way", ["api_key", "password", "token"])
def test_each_way_of_signing_in_offers_domains_and_opens_one(sandbox: Sandbox, way: str) -> None:
    login = sandbox.oauth if way == "token" else sandbox.admin
    panel = signed_in(sandbox.url, login, way)

    assert f"as <b>{login.username}</b>" in shown(panel)
    assert dict(panel.picker.list.options) == {
        "Child Nutrition Pilot (child-nutrition)": "child-nutrition",
        "Maternal Health Programme (maternal-health)": DOMAIN,
    }
    panel.picker.list.value = DOMAIN
    panel.open()
    assert "Connected" in shown(panel)
    assert "Maternal Health Programme (maternal-health)" in shown(panel)
    assert len(ccf.read_cases("patient")) == 300


def test_a_wrong_key_is_told_in_the_words_of_connect_and_forgotten(sandbox: Sandbox) -> None:
    panel = LoginPanel(sandbox.url)
    fill(panel, sandbox.admin, secret="wrong-key")
    panel.sign_in()
    with pytest.raises(ccf.CommCareError) as caught:
        connection.locate(
            server=sandbox.url, login=credentials.Login("api_key", "wrong", sandbox.admin.username), named=False
        ).client.ask(connection.resources.USER_DOMAINS)

    assert str(caught.value).replace(">", "&gt;") in panel.message.value
    assert 'role="alert"' in panel.message.value
    assert panel.form.secret.reveal() == ""
    assert panel.form.box in panel.card.children


def test_what_is_missing_is_said_and_what_is_there_stays(sandbox: Sandbox) -> None:
    panel = LoginPanel(sandbox.url)
    panel.sign_in()
    assert "API key is empty" in panel.message.value
    type_into(panel.form.secret, sandbox.admin.api_key)
    panel.sign_in()
    assert "needs a username" in panel.message.value

    panel.form.username.value = sandbox.admin.username
    panel.form.server.value = "inda"
    panel.sign_in()
    assert "Did you mean &#x27;india&#x27;?" in panel.message.value
    panel.form.server.value = sandbox.url
    panel.sign_in()
    assert "Which domain?" in shown(panel)


def test_a_two_factor_code_is_asked_for_where_a_domain_wants_one(sandbox: Sandbox) -> None:
    login = sandbox.two_factor
    panel = signed_in(sandbox.url, login, "password")
    panel.picker.list.value = "child-nutrition"
    panel.open()
    assert "asks for a two-factor code" in panel.message.value
    assert panel.picker.code in panel.picker.box.children
    type_into(panel.picker.code, "000000")
    panel.open()
    assert "rejected the two-factor code" in panel.message.value

    type_into(panel.picker.code, login.otp)
    panel.open()
    assert connection.resolve(None).name == "child-nutrition"


def test_a_two_factor_code_may_come_with_the_password(sandbox: Sandbox) -> None:
    panel = LoginPanel(sandbox.url)
    fill(panel, sandbox.two_factor, way="password")
    type_into(panel.form.code, sandbox.two_factor.otp)
    panel.sign_in()
    panel.picker.list.value = "child-nutrition"
    panel.open()

    assert connection.resolve(None).name == "child-nutrition"


def test_the_focus_is_set_again_once_a_slow_notebook_shows_the_field(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    focused: list[str] = []
    monkeypatch.setattr(Text, "focus", lambda field: focused.append(field.description))

    async def sign_in_and_open() -> None:
        panel = signed_in(sandbox.url, sandbox.two_factor, "password")
        await asyncio.sleep(VIEW_LAGS * 1.5)
        assert focused == ["Search", "Search"]
        panel.picker.list.value = "child-nutrition"
        panel.open()
        await asyncio.sleep(VIEW_LAGS * 1.5)

    asyncio.run(sign_in_and_open())
    assert focused[2:] == ["Two-factor code", "Two-factor code"]


def test_a_mobile_worker_types_the_domain_which_its_name_suggests(sandbox: Sandbox) -> None:
    panel = signed_in(sandbox.url, sandbox.mobile_worker, "password")
    assert "type the one to open" in shown(panel)
    assert "open to web users only" in shown(panel)
    assert panel.picker.search.description == "Domain"
    assert panel.picker.search.value == DOMAIN

    panel.open()
    assert "Connected" in shown(panel)


def test_a_domain_that_is_refused_leaves_the_list(sandbox: Sandbox) -> None:
    panel = signed_in(sandbox.url, sandbox.admin)
    panel.picker.search.value = "paused-project"
    assert panel.picker.list.options == (("paused-project (as typed)", "paused-project"),)
    panel.open()
    assert "does not include API access" in panel.message.value
    assert panel.picker.box in panel.card.children
    assert connection._connected == []

    panel.picker.search.value = "mater PROG"
    assert panel.picker.picked == DOMAIN
    panel.open()
    assert "Connected" in shown(panel)


def test_a_web_address_opens_its_domain_and_never_on_another_server(sandbox: Sandbox) -> None:
    panel = signed_in(f"{sandbox.url}/a/{DOMAIN}/apps/", sandbox.admin)
    assert panel.picker.picked == "child-nutrition"
    panel = LoginPanel(sandbox.url)
    panel.form.server.value = f"{sandbox.url}/a/{DOMAIN}/apps/"
    fill(panel, sandbox.admin)
    panel.sign_in()
    assert panel.picker.picked == DOMAIN

    panel.picker.search.value = "https://www.commcarehq.org/a/health/"
    panel.open()
    assert f"is not at {sandbox.url}" in panel.message.value
    panel.picker.search.value = f"{sandbox.url}/a/child-nutrition/"
    panel.open()
    assert connection.resolve(None).name == "child-nutrition"


def test_a_login_of_the_environment_is_named_and_can_be_switched(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMMCARE_SERVER", sandbox.url)
    monkeypatch.setenv("COMMCARE_USERNAME", sandbox.scoped.username)
    monkeypatch.setenv("COMMCARE_API_KEY", sandbox.scoped.api_key)
    panel = LoginPanel()
    assert f"As <b>{sandbox.scoped.username}</b> at <b>{sandbox.url}</b> (API key from COMMCARE_API_KEY)" in shown(
        panel
    )
    assert panel.choice.description == "Choose a domain"

    panel.switch.click()
    panel.form.server.value = sandbox.url
    fill(panel, sandbox.admin)
    panel.form.button.click()
    panel.picker.list.value = DOMAIN
    panel.picker.button.click()
    assert ccf.whoami()["username"] == sandbox.admin.username


def test_a_remembered_login_is_kept_where_the_panel_says_and_found_again(
    sandbox: Sandbox, memory_keyring: dict[str, str]
) -> None:
    panel = LoginPanel(sandbox.url)
    panel.form.remember.value = True
    fill(panel, sandbox.admin)
    panel.sign_in()
    assert memory_keyring == {}
    panel.picker.list.value = DOMAIN
    panel.open()
    assert "kept in this computer&#x27;s keyring" in shown(panel)
    connection._connected.clear()

    again = LoginPanel()
    assert "from the saved login" in shown(again)
    assert f"domain <b>{DOMAIN}</b>" in shown(again)
    again.choice.click()
    assert again.picker.picked == DOMAIN


def test_a_connection_is_named(domain: connection.Domain) -> None:
    panel = LoginPanel()

    assert f"domain <b>{DOMAIN}</b>" in shown(panel)
    assert panel.choice.description == "Choose another domain"


def test_no_widget_ever_holds_a_secret(sandbox: Sandbox) -> None:
    secrets = [sandbox.admin.password, "a-wrong-password", "code-987654"]  # none of which an id can hold by chance
    panel = LoginPanel(sandbox.url)
    saved = []
    for secret in secrets[1::-1]:
        fill(panel, sandbox.admin, way="password", secret=secret)
        type_into(panel.form.code, secrets[2])
        saved.append(everything_saved())
        panel.sign_in()
        saved.append(everything_saved())
    type_into(panel.picker.code, secrets[2])
    panel.picker.list.value = DOMAIN
    panel.open()
    saved.append(everything_saved())

    assert "Connected" in shown(panel)
    assert all(sandbox.admin.username in text for text in saved)
    assert not any(secret in text for secret in secrets for text in saved)


def test_a_field_tells_nobody_what_was_typed(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    panel = LoginPanel(sandbox.url)
    sent: list[object] = []
    monkeypatch.setattr(type(panel.form.secret), "_send", lambda _, message, **__: sent.append(message))
    type_into(panel.form.secret, "the-secret")

    assert {"method": "update", "state": {"value": ""}, "buffer_paths": []} in sent
    assert "the-secret" not in repr(sent)
    assert panel.form.secret.value == ""
    assert panel.form.secret.reveal() == "the-secret"


def test_nothing_can_be_typed_while_hq_is_awaited(sandbox: Sandbox) -> None:
    panel = LoginPanel(sandbox.url)
    seen: dict[str, list[bool]] = {"secret": [], "code": []}
    panel.form.secret.observe(lambda change: seen["secret"].append(change["new"]), names="disabled")
    panel.picker.code.observe(lambda change: seen["code"].append(change["new"]), names="disabled")
    fill(panel, sandbox.admin, secret="wrong-key")
    panel.sign_in()

    assert "wrong" in panel.message.value
    assert seen == {"secret": [True, False], "code": [True, False]}


def test_a_server_that_shows_web_pages_remembers_nobody(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVER_SOFTWARE", "voila/0.5.13")

    assert LoginPanel(sandbox.url).form.remember not in LoginPanel(sandbox.url).form.box.children


def test_changing_the_way_of_signing_in_forgets_what_was_typed(sandbox: Sandbox) -> None:
    panel = LoginPanel(sandbox.url)
    type_into(panel.form.secret, "a-key")
    panel.form.way.value = "token"

    assert panel.form.secret.reveal() == ""
    assert panel.form.username not in panel.form.box.children
    assert panel.form.remember not in panel.form.box.children


def test_a_project_named_like_a_script_is_text() -> None:
    evil = "<img src=x onerror=alert(1)>"
    with start(domains=[build("evil", project_name=evil, patients=1, case_types=["patient"])]) as sandbox:
        panel = signed_in(sandbox.url, sandbox.admin)
        assert panel.picker.list.options[0][0] == f"{evil} (evil)"
        panel.open()

    assert "&lt;img" in shown(panel)
    assert "<img" not in shown(panel)


def test_a_wait_for_the_limits_is_told_and_the_client_left_as_it_was(fresh_sandbox: Sandbox) -> None:
    panel = signed_in(fresh_sandbox.url, fresh_sandbox.admin)
    said: list[str] = []
    panel.message.observe(lambda change: said.append(change["new"]), names="value")
    fresh_sandbox.faults.status(429, retry_after="2.2", times=1)
    panel.open()

    assert any("Waiting 2 s. 127.0.0.1" in text for text in said)
    assert "Connected" in shown(panel)
    assert connection.resolve(None).client.on_wait.__name__ == "_log_wait"


def test_a_failure_of_our_own_is_told_and_raised_without_the_secret(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = LoginPanel(sandbox.url)
    fill(panel, sandbox.admin)
    monkeypatch.setattr(addresses, "urlsplit", None)
    with pytest.raises(TypeError):
        panel.sign_in()

    assert "Signing in broke off: TypeError" in panel.message.value
    assert not panel.form.button.disabled


def test_enter_pressed_twice_does_things_once(fresh_sandbox: Sandbox) -> None:
    panel = signed_in(fresh_sandbox.url, fresh_sandbox.admin)
    panel.sign_in()
    assert panel.message.value == ""
    panel.open()
    asked = len(fresh_sandbox.log)
    panel.open()

    assert len(fresh_sandbox.log) == asked
    assert "Connected" in shown(panel)


def test_a_long_list_is_cut_and_says_so(sandbox: Sandbox) -> None:
    panel = LoginPanel(sandbox.url)
    panel.picker.offer({f"project-{number}": "" for number in range(1000)})

    assert len(panel.picker.list.options) == 200
    assert "1,000 domains; search to see the other 800" in panel.picker.count.value


def test_where_no_widget_can_be_shown_a_text_stands_in(sandbox: Sandbox) -> None:
    panel = LoginPanel(sandbox.url)

    assert panel.card._repr_mimebundle_()["text/plain"] == (
        "The sign-in panel of commcare_frames. Run this cell to see it."
    )
