"""caldicott: one register of processing activities, published as the notice and enforced by the platform."""

__version__ = "0.1.0"
