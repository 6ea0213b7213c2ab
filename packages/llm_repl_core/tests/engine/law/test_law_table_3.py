"""Each construct alone: a share of them, see `law_table`."""

from law_table import in_parallel, share

CONSTRUCTS = share(2)

test_a_construct_leaves_in_parallel_what_it_leaves_in_order = in_parallel(CONSTRUCTS)
