"""Whether each construct is fit for the law; run by `nox -s law`, as it says nothing of the engine."""

from law_catalogue import CATALOGUE
from law_table import in_order

test_a_construct_is_the_same_each_time_and_its_effect_is_seen = in_order(CATALOGUE)
