"""Every address of the portal: those of staff, then the public ones, of which the last takes whatever is left."""

from __future__ import annotations

from caldicott.portal import urls as public
from caldicott.portal.staff import urls as staff

urlpatterns = [*staff.urlpatterns, *public.urlpatterns]

handler400, handler403 = public.handler400, public.handler403
handler404, handler500 = public.handler404, public.handler500
