"""A notebook as a page of HTML, to be read: self-contained, and without anything that runs."""
