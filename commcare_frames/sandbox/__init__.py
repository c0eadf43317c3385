"""A local stand-in for CommCare HQ over real HTTP, for demo, notebooks and tests; knows no client."""

from commcare_frames.sandbox.accounts import Login
from commcare_frames.sandbox.sandbox import Sandbox, serve, start

__all__ = ["Login", "Sandbox", "serve", "start"]
