"""The website and social media, promise by promise: that the register tells of them."""

from __future__ import annotations

import pytest

from promises.notices import DORSET, EXAMPLE, activity, assert_is_noticed, printed, with_activity


@pytest.mark.keeps("DO-007")
def test_what_comes_from_social_media_is_a_use_with_its_source():
    """How people deal with us on social media is told on a page, with social media among the sources."""
    use = activity(DORSET, "public-contact")
    assert "social-media" in use.sources
    assert "social_media" in use.personal_data
    assert "social media" in printed(DORSET, "activities/public-contact#what-we-do")
    assert "ocial media" in printed(DORSET, "activities/public-contact#source")
    assert_is_noticed("sources-told", with_activity(EXAMPLE, "public-involvement", sources=None))


@pytest.mark.keeps_partly("DO-006")
def test_use_of_the_website_is_a_use_of_the_register():
    """How the website is used and from where it is reached is told; for how long, the Dorset notice does not say."""
    use = activity(DORSET, "website-use")
    assert use.personal_data == ("use_of_website", "place_of_access")
    assert "not stated" in printed(DORSET, "activities/website-use#how-long")
