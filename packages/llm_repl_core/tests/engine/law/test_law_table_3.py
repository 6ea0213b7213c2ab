"""Each construct alone: a share of them, see `law_table`."""

from law_table import in_order, in_parallel, share

CONSTRUCTS = share(2)

test_a_construct_leaves_in_parallel_what_it_leaves_in_order = in_parallel(CONSTRUCTS)
test_a_construct_is_the_same_each_time_and_its_effect_is_seen = in_order(CONSTRUCTS)
