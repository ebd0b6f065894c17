"""The desk's tables. They never leave this room: repositories return values.

What would open an account is not here in the clear: passwords are Argon2id,
tokens of sessions, invitations and recovery codes are SHA-256 of 256 (80)
random bits, secrets of one-time codes are sealed with the portal's key.

A practice's work with a patient is known by practice and token alone; the free
words of its notes are sealed as the secrets are.
"""

from __future__ import annotations

import uuid

from django.db import models


class Account(models.Model):  # type: ignore[misc]  # Django ships no types
    """One person of staff. Federated accounts have a provider and its subject, local ones a sign-in name."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=40)
    organisation = models.CharField(max_length=40)
    # None and not empty, which would not be unique: accounts of a provider have none.
    sign_in_name = models.CharField(max_length=80, unique=True, null=True)  # noqa: DJ001
    password = models.CharField(max_length=256, blank=True)
    totp_sealed = models.BinaryField(null=True)
    totp_last_step = models.BigIntegerField(default=0)
    provider = models.CharField(max_length=40, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    created = models.DateTimeField()
    ended = models.DateTimeField(null=True)

    class Meta:
        constraints = [  # noqa: RUF012  Django's own form
            models.UniqueConstraint(
                fields=["provider", "subject"], condition=~models.Q(provider=""), name="desk_one_account_a_subject"
            ),
            models.CheckConstraint(
                condition=models.Q(provider="", sign_in_name__isnull=False)
                | (~models.Q(provider="") & models.Q(sign_in_name__isnull=True, password="")),
                name="desk_local_or_federated",
            ),
        ]


class Passkey(models.Model):  # type: ignore[misc]
    """A passkey's public half."""

    credential_id = models.CharField(max_length=400, unique=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    public_key = models.BinaryField()
    sign_count = models.BigIntegerField(default=0)
    created = models.DateTimeField()


class RecoveryCode(models.Model):  # type: ignore[misc]
    """A code that stands in once for a lost second factor."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    digest = models.CharField(max_length=64)
    used = models.DateTimeField(null=True)


class Invitation(models.Model):  # type: ignore[misc]
    """Who was invited as what, and by which login they come at the command line. Its token is only on the link."""

    digest = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=40)
    organisation = models.CharField(max_length=40)
    login = models.CharField(max_length=80, blank=True, default="")
    created = models.DateTimeField()
    expires = models.DateTimeField()
    used = models.DateTimeField(null=True)


class Session(models.Model):  # type: ignore[misc]
    """A visit of a browser, from the first step of a sign-in to its end."""

    digest = models.CharField(primary_key=True, max_length=64)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, null=True)
    stage = models.CharField(max_length=20)
    method = models.CharField(max_length=40, blank=True)
    started = models.DateTimeField()
    signed_in = models.DateTimeField(null=True)
    proved = models.DateTimeField(null=True)
    seen = models.DateTimeField()
    ended_because = models.CharField(max_length=20, blank=True)
    provider = models.CharField(max_length=40, blank=True)
    provider_session = models.CharField(max_length=200, blank=True, db_index=True)
    scratch = models.JSONField(default=dict)


class Attempts(models.Model):  # type: ignore[misc]
    """Failed attempts at one name or factor, for the lock-out. The name is a keyed hash."""

    subject = models.CharField(primary_key=True, max_length=64)
    failures = models.IntegerField(default=0)
    last = models.DateTimeField()
    locked_until = models.DateTimeField(null=True)


class Provider(models.Model):  # type: ignore[misc]
    """A sign-in provider and how its claims become our roles and organisations."""

    id = models.SlugField(primary_key=True, max_length=40)
    title = models.CharField(max_length=120)
    issuer = models.CharField(max_length=300, unique=True)
    client_id = models.CharField(max_length=200)
    key_file = models.CharField(max_length=400)
    key_id = models.CharField(max_length=100)
    settings = models.JSONField(default=dict)


class UsedToken(models.Model):  # type: ignore[misc]
    """A logout token that was taken once, so that it is not taken twice."""

    digest = models.CharField(primary_key=True, max_length=64)
    at = models.DateTimeField()


class Outbox(models.Model):  # type: ignore[misc]
    """Audit entries of acts that are true and may not stand in the trail yet."""

    act_id = models.CharField(max_length=64, unique=True)
    entry = models.BinaryField()


class Case(models.Model):  # type: ignore[misc]
    """Where one practice is with one of its patients."""

    practice = models.CharField(max_length=10)
    token = models.CharField(max_length=40)
    stage = models.CharField(max_length=20, blank=True)
    next_action_on = models.DateField(null=True)
    plan_expires_on = models.DateField(null=True)
    judgement = models.CharField(max_length=20, blank=True)
    judgement_reason = models.CharField(max_length=40, blank=True)
    changed = models.DateTimeField()
    changed_by = models.ForeignKey(Account, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [  # noqa: RUF012
            models.UniqueConstraint(fields=["practice", "token"], name="desk_one_case_a_patient"),
            models.CheckConstraint(
                condition=models.Q(judgement="", judgement_reason="")
                | (~models.Q(judgement="") & ~models.Q(judgement_reason="")),
                name="desk_a_judgement_has_a_reason",
            ),
        ]


class CaseStep(models.Model):  # type: ignore[misc]
    """One step of a case, so that who looks later sees how it came about."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="steps")
    at = models.DateTimeField()
    by = models.ForeignKey(Account, on_delete=models.SET_NULL, null=True, related_name="+")
    what = models.CharField(max_length=20)
    became = models.CharField(max_length=40, blank=True)


class CaseNote(models.Model):  # type: ignore[misc]
    """Free words about a patient. Sealed; `form` is the sent form's own mark, so that none is kept twice."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="notes")
    at = models.DateTimeField()
    by = models.ForeignKey(Account, on_delete=models.SET_NULL, null=True, related_name="+")
    form = models.CharField(max_length=80, unique=True)
    sealed = models.BinaryField()


class SavedFilter(models.Model):  # type: ignore[misc]
    """A way to look at a list, kept by one reader for themselves."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    practice = models.CharField(max_length=10)
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=400)

    class Meta:
        constraints = [  # noqa: RUF012
            models.UniqueConstraint(fields=["account", "practice", "name"], name="desk_one_filter_a_name"),
        ]
