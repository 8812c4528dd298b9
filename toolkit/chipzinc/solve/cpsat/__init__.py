"""OR-Tools' CP-SAT as one more solver of flat models. Must not be imported unless it is used: OR-Tools is an extra."""
