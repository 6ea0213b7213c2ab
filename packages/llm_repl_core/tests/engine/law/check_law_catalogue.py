"""Each construct of the catalogue in full; run by `nox -s law`.

Whether it is fit for the law, which says nothing of the engine, and whether it holds in each shape.
"""

from law_catalogue import CATALOGUE
from law_table import in_order, in_parallel

test_a_construct_is_the_same_each_time_and_its_effect_is_seen = in_order(CATALOGUE)
test_a_construct_leaves_in_parallel_what_it_leaves_in_order = in_parallel(CATALOGUE, in_full=True)
