"""Builds a CP-SAT model from FlatZinc over integers and booleans, as MiniZinc's standard library decomposes to.

Must not know what is solved, nor run anything.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ortools.sat.python import cp_model

from chipzinc.errors import InputError
from chipzinc.solve.cpsat.reader import Call, Items, Name, Span, read

#: Bounds of a variable that has none of its own; products of two still fit CP-SAT's integers.
UNBOUNDED = 2**31 - 2

#: Most pairs of base and exponent that a power is spelled out for.
_POWERS = 100_000

_ORDERS = {
    "input_order": cp_model.CHOOSE_FIRST,
    "first_fail": cp_model.CHOOSE_MIN_DOMAIN_SIZE,
    "anti_first_fail": cp_model.CHOOSE_MAX_DOMAIN_SIZE,
    "smallest": cp_model.CHOOSE_LOWEST_MIN,
    "largest": cp_model.CHOOSE_HIGHEST_MAX,
}
_VALUES = {
    "indomain_max": cp_model.SELECT_MAX_VALUE,
    "indomain_median": cp_model.SELECT_MEDIAN_VALUE,
    "indomain_split": cp_model.SELECT_LOWER_HALF,
    "indomain_reverse_split": cp_model.SELECT_UPPER_HALF,
}
_LE, _LT = cp_model.Domain(cp_model.INT_MIN, 0), cp_model.Domain(cp_model.INT_MIN, -1)
_EQ = cp_model.Domain(0, 0)
_COMPARISONS = {"eq": _EQ, "ne": _EQ.complement(), "le": _LE, "lt": _LT}


class Translation:
    """A CP-SAT model with the variables of the FlatZinc text it was built from.

    Args:
        text: FlatZinc.

    Raises:
        InputError: the text is no FlatZinc, or has a constraint or a type that is not translated; names it.
    """

    def __init__(self, text: str) -> None:
        self.items: Items = read(text)
        self.model = cp_model.CpModel()
        self.variables: dict[str, cp_model.IntVar] = {}
        self._constants: dict[int, cp_model.IntVar] = {}
        for each in self.items.variables:
            if each.is_bool:
                self.variables[each.name] = self.model.new_bool_var(each.name)
            else:
                domain = Span(((-UNBOUNDED, UNBOUNDED),)) if each.domain is None else each.domain
                self.variables[each.name] = self.model.new_int_var_from_domain(_domain(domain), each.name)
        for each in self.items.variables:
            if each.value is not None:
                self._relate([1, -1], [self.variables[each.name], self.one(each.value)], _EQ)
        for call in self.items.constraints:
            self._post(call)
        self._goal()
        for note in self.items.search:
            self._search(note)

    def one(self, value: Any) -> cp_model.IntVar:
        """Return the variable that an expression of the text stands for."""
        if isinstance(value, Name):
            if value in self.variables:
                return self.variables[value]
            value = self._named(value)
        if not isinstance(value, int):
            raise InputError(f"the flat model has {value!r} where a number, a boolean or a variable is expected")
        if int(value) not in self._constants:
            self._constants[int(value)] = self.model.new_constant(int(value))
        return self._constants[int(value)]

    def several(self, value: Any) -> list[cp_model.IntVar]:
        """Return the variables of an array."""
        return [self.one(each) for each in self._plain(value)]

    def _named(self, name: Name) -> Any:
        if name not in self.items.arrays:
            raise InputError(f"the flat model calls {name!r}, which it does not declare")
        return self.items.arrays[name]

    def _plain(self, value: Any) -> Any:
        return self._named(value) if isinstance(value, Name) else value

    def _integers(self, value: Any) -> list[int]:
        return [int(self._plain(each)) for each in self._plain(value)]

    def _post(self, call: Call) -> None:
        name, arguments = call.name, call.arguments
        direct = _DIRECT.get(name)
        if direct is not None:
            direct(self, *arguments)
            return
        base, ending = name, ""
        for each in ("_reif", "_imp"):
            if name.endswith(each):
                base, ending = name.removesuffix(each), each
        conditions = None
        if ending:
            *arguments_left, literal = arguments
            arguments = tuple(arguments_left)
            conditions = self.one(literal)
        if base in _CLAUSES:
            self._logic(_CLAUSES[base](self, *arguments), conditions, ending != "_imp")
            return
        form = self._linear(base, arguments)
        if form is None:
            raise InputError(f"the flat model has the constraint {name}, which is not translated for CP-SAT")
        coefficients, variables, domain = form
        self._relate(coefficients, variables, domain, conditions)
        if ending == "_reif":
            assert conditions is not None
            self._relate(coefficients, variables, domain.complement(), conditions.negated())

    def _linear(
        self, base: str, arguments: Sequence[Any]
    ) -> tuple[list[int], list[cp_model.IntVar], cp_model.Domain] | None:
        """Return a comparison as a linear sum and the values it may take, or None if it is no comparison."""
        kind, _, comparison = base.rpartition("_")
        if base == "set_in":
            return [1], [self.one(arguments[0])], _domain(self._plain(arguments[1]))
        if base == "bool_not":
            return [1, 1], self.several(arguments), cp_model.Domain(1, 1)
        if kind in ("int", "bool") and comparison in _COMPARISONS:
            return [1, -1], self.several(arguments), _COMPARISONS[comparison]
        if kind in ("int_lin", "bool_lin") and comparison in _COMPARISONS:
            coefficients, variables, constant = arguments
            return (
                [*self._integers(coefficients), -1],
                [*self.several(variables), self.one(constant)],
                _COMPARISONS[comparison],
            )
        return None

    def _relate(
        self,
        coefficients: Sequence[int],
        variables: Sequence[cp_model.IntVar],
        domain: cp_model.Domain,
        condition: Any = None,
    ) -> None:
        if len(coefficients) != len(variables):
            raise InputError(f"the flat model has {len(coefficients)} coefficients for {len(variables)} variables")
        total = cp_model.LinearExpr.weighted_sum(variables, coefficients)
        made = self.model.add_linear_expression_in_domain(total, domain)
        if condition is not None:
            made.only_enforce_if(condition)

    def _logic(self, literals: Sequence[Any], result: Any, both: bool) -> None:
        """Post that the disjunction of literals holds: always, if ``result`` holds, or exactly if it does."""
        made = self.model.add_bool_or(literals)
        if result is None:
            return
        made.only_enforce_if(result)
        if both:
            self.model.add_bool_and([each.negated() for each in literals]).only_enforce_if(result.negated())

    def all_of(self, literals: Any, result: Any, both: bool = True) -> None:
        """Post that ``result`` says whether every literal holds, or, if not ``both``, implies it."""
        variables, outcome = self.several(literals), self.one(result)
        self.model.add_bool_and(variables).only_enforce_if(outcome)
        if both:
            self.model.add_bool_or([*(each.negated() for each in variables), outcome])

    def any_of(self, literals: Any, result: Any, both: bool = True) -> None:
        """Post that ``result`` says whether a literal holds, or, if not ``both``, implies it."""
        self._logic(self.several(literals), self.one(result), both)

    def differ(self, left: Any, right: Any, result: Any = True, both: bool = True) -> None:
        """Post that ``result`` says whether two booleans differ, or, if not ``both``, implies it."""
        variables, outcome = self.several([left, right]), self.one(result)
        self._relate([1, -1], variables, _COMPARISONS["ne"], outcome)
        if both:
            self._relate([1, -1], variables, _EQ, outcome.negated())

    def odd(self, literals: Any) -> None:
        """Post that an odd number of literals holds."""
        self.model.add_bool_xor(self.several(literals))

    def element(self, index: Any, array: Any, value: Any) -> None:
        """Post that an array, counted from 1, has a value at an index."""
        self.model.add_element(self.one(index) - 1, self.several(array), self.one(value))

    def sum_of(self, coefficients: Sequence[int], *terms: Any) -> None:
        """Post that a weighted sum is 0."""
        self._relate(coefficients, self.several(terms), _EQ)

    def times(self, left: Any, right: Any, product: Any) -> None:
        """Post a product."""
        self.model.add_multiplication_equality(self.one(product), self.several([left, right]))

    def divide(self, dividend: Any, divisor: Any, quotient: Any) -> None:
        """Post a quotient, cut towards zero; the divisor is not zero."""
        size, positive = self._size(divisor)
        low, high = self.bounds(dividend)
        most = max(abs(low), abs(high))
        magnitude = self.model.new_int_var(-most, most, "")
        self.model.add_division_equality(magnitude, self.one(dividend), size)
        self._relate([1, -1], [self.one(quotient), magnitude], _EQ, positive)
        self._relate([1, 1], [self.one(quotient), magnitude], _EQ, positive.negated())

    def modulo(self, dividend: Any, divisor: Any, rest: Any) -> None:
        """Post a remainder with the sign of the dividend; the divisor is not zero."""
        self.model.add_modulo_equality(self.one(rest), self.one(dividend), self._size(divisor)[0])

    def _size(self, value: Any) -> tuple[cp_model.IntVar, cp_model.IntVar]:
        """Return the magnitude of what is not zero, and whether it is positive."""
        low, high = self.bounds(value)
        size = self.model.new_int_var(1, max(abs(low), abs(high), 1), "")
        positive = self.model.new_bool_var("")
        self._relate([1, -1], [self.one(value), size], _EQ, positive)
        self._relate([1, 1], [self.one(value), size], _EQ, positive.negated())
        return size, positive

    def bounds(self, value: Any) -> tuple[int, int]:
        """Return the least and the largest value that a declaration allows."""
        domain = list(self.one(value).proto.domain)
        return (domain[0], domain[-1]) if domain else (0, 0)

    def power(self, base: Any, exponent: Any, result: Any) -> None:
        """Post a power, spelled out value by value; a negative exponent gives what 1 div the power gives."""
        (low, high), (least, most) = self.bounds(base), self.bounds(exponent)
        if (high - low + 1) * (most - least + 1) > _POWERS:
            raise InputError(
                f"the flat model has int_pow over more than {_POWERS} pairs of values; bound its variables"
            )
        pairs = itertools.product(range(low, high + 1), range(least, most + 1))
        rows = [(a, b, a**b if b >= 0 else int(1 / a**-b)) for a, b in pairs if a or b >= 0]
        limits = self.bounds(result)
        self.model.add_allowed_assignments(
            self.several([base, exponent, result]), [row for row in rows if limits[0] <= row[2] <= limits[1]]
        )

    def _goal(self) -> None:
        if self.items.goal == "minimize":
            self.model.minimize(self.one(self.items.objective))
        elif self.items.goal == "maximize":
            self.model.maximize(self.one(self.items.objective))

    def _search(self, note: Any) -> None:
        if not isinstance(note, Call):
            return
        if note.name == "seq_search":
            for each in self._plain(note.arguments[0]):
                self._search(each)
        elif note.name in ("int_search", "bool_search"):
            variables, order, value = note.arguments[:3]
            free = [self.one(each) for each in self._plain(variables) if isinstance(each, Name)]
            if free:
                self.model.add_decision_strategy(
                    free,
                    _ORDERS.get(str(order), cp_model.CHOOSE_FIRST),
                    _VALUES.get(str(value), cp_model.SELECT_MIN_VALUE),
                )


def _domain(span: Span) -> cp_model.Domain:
    return cp_model.Domain.from_intervals([list(each) for each in span.intervals])


def _clause(to: Translation, positive: Any, negative: Any) -> list[Any]:
    return [*to.several(positive), *(each.negated() for each in to.several(negative))]


#: Disjunctions, which may be reified.
_CLAUSES: Mapping[str, Callable[..., list[Any]]] = {"bool_clause": _clause}

#: What is no comparison, under the names of FlatZinc.
_DIRECT: Mapping[str, Callable[..., None]] = {
    "array_bool_and": Translation.all_of,
    "array_bool_and_imp": lambda to, literals, result: to.all_of(literals, result, both=False),
    "array_bool_or": Translation.any_of,
    "array_bool_or_imp": lambda to, literals, result: to.any_of(literals, result, both=False),
    "array_bool_xor": Translation.odd,
    "bool_and": lambda to, left, right, result: to.all_of([left, right], result),
    "bool_and_imp": lambda to, left, right, result: to.all_of([left, right], result, both=False),
    "bool_or": lambda to, left, right, result: to.any_of([left, right], result),
    "bool_or_imp": lambda to, left, right, result: to.any_of([left, right], result, both=False),
    "bool_xor": Translation.differ,
    "bool_xor_imp": lambda to, left, right, result: to.differ(left, right, result, both=False),
    "bool2int": lambda to, left, right: to.sum_of([1, -1], left, right),
    "array_int_element": Translation.element,
    "array_bool_element": Translation.element,
    "array_var_int_element": Translation.element,
    "array_var_bool_element": Translation.element,
    "int_plus": lambda to, left, right, total: to.sum_of([1, 1, -1], left, right, total),
    "int_minus": lambda to, left, right, total: to.sum_of([1, -1, -1], left, right, total),
    "int_negate": lambda to, value, negated: to.sum_of([1, 1], value, negated),
    "int_times": Translation.times,
    "int_div": Translation.divide,
    "int_mod": Translation.modulo,
    "int_pow": Translation.power,
    "int_abs": lambda to, value, size: to.model.add_abs_equality(to.one(size), to.one(value)),
    "int_min": lambda to, a, b, least: to.model.add_min_equality(to.one(least), to.several([a, b])),
    "int_max": lambda to, a, b, most: to.model.add_max_equality(to.one(most), to.several([a, b])),
    "array_int_minimum": lambda to, least, array: to.model.add_min_equality(to.one(least), to.several(array)),
    "array_int_maximum": lambda to, most, array: to.model.add_max_equality(to.one(most), to.several(array)),
}
