"""The addresses of staff. Those of `door` are open before a sign-in; every other needs one."""

from __future__ import annotations

from typing import Final

from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from caldicott.portal.staff import home, joining, oidc, passkeys, signing_in
from caldicott.portal.staff.analyst.urls import urlpatterns as analyst
from caldicott.portal.staff.finance.urls import urlpatterns as finance
from caldicott.portal.staff.guards import door, fresh, room
from caldicott.portal.staff.practice.urls import urlpatterns as practice
from caldicott.portal.staff.review.urls import urlpatterns as review

_BOTH: Final = ("GET", "HEAD", "POST")
_SEND: Final = ("POST",)

urlpatterns = [
    path("staff/sign-in/", door(signing_in.sign_in, *_BOTH), name="staff-sign-in"),
    path("staff/sign-in/code/", door(signing_in.second_factor, *_BOTH), name="staff-second-factor"),
    path("staff/sign-in/passkey/", door(passkeys.sign_in, *_SEND), name="staff-passkey"),
    path("staff/invitation/<str:token>/", door(joining.invitation, *_BOTH), name="staff-invitation"),
    path("staff/set-up/", door(joining.set_up, *_BOTH), name="staff-set-up"),
    path("staff/set-up/passkey/", door(passkeys.set_up, *_SEND), name="staff-set-up-passkey"),
    path("staff/sign-in/with/<slug:provider>/", door(oidc.start), name="staff-provider"),
    path("staff/sign-in/back/<slug:provider>/", door(oidc.back), name="staff-provider-back"),
    path(
        "staff/sign-out/from/<slug:provider>/",
        csrf_exempt(door(oidc.back_channel, *_SEND)),  # the provider has no cookie of ours; its token is signed
        name="staff-provider-out",
    ),
    path("staff/signed-out/", door(home.signed_out), name="staff-signed-out"),
    path("staff/script/<slug:digest>/", door(home.the_script), name="staff-script"),
    path("staff/", room(home.home), name="staff-home"),
    path("staff/activities/<slug:activity>/", room(home.activity), name="staff-activity"),
    path("staff/account/", room(home.account), name="staff-account"),
    path("staff/account/passkey/", room(fresh(passkeys.add), *_SEND), name="staff-add-passkey"),
    path("staff/account/recovery-codes/", room(fresh(home.new_recovery_codes), *_SEND), name="staff-recovery-codes"),
    path("staff/again/", room(signing_in.again, *_BOTH), name="staff-again"),
    path("staff/again/passkey/", room(passkeys.again, *_SEND), name="staff-again-passkey"),
    path("staff/sign-out/", room(home.sign_out, *_SEND), name="staff-sign-out"),
    path("staff/sign-out-everywhere/", room(home.sign_out_everywhere, *_SEND), name="staff-sign-out-everywhere"),
    *practice,
    *analyst,
    *finance,
    *review,
]
