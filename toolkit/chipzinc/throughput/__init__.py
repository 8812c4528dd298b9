"""How fast a partition runs on a package, and how much memory it takes; knows no rule and no solver."""
