//! Help for users of Tera 1: features that Tera 2 renamed or changed.

use crate::template::analysis::CalleeKind::{self, Filter, Function, Test};

/// The Tera 2 replacements.
const FORMS: &[(CalleeKind, &str, &str)] = &[
    (Filter, "addslashes", "Tera 2 has no `addslashes`: write `py_str`, which quotes and escapes"),
    (Filter, "as_str", "Tera 2 calls it `str`"),
    (Filter, "concat", "in Tera 2, write `[...list, ...other]`"),
    (Filter, "date", "Tera 2 has no `date`, and an output is a function of its inputs"),
    (Filter, "escape_js", "Tera 2 has no `escape_js`"),
    (Filter, "filesizeformat", "Tera 2 has no `filesizeformat`"),
    (Filter, "filter", "in Tera 2, write `[x for x in list if x.attribute == value]`"),
    (Filter, "json_encode", "Tera 2 has no `json_encode`: write `py_str`, a Python literal of any value"),
    (Filter, "linebreaksbr", "Tera 2 calls it `newlines_to_br`"),
    (Filter, "map", "in Tera 2, write `[x.attribute for x in list]`"),
    (Filter, "slice", "in Tera 2, write `list[start:end]`"),
    (Filter, "slugify", "Tera 2 has no `slugify`: `snake_case` and `py_ident` make names"),
    (Filter, "spaceless", "Tera 2 has no `spaceless`"),
    (Filter, "striptags", "Tera 2 has no `striptags`"),
    (Filter, "trim_end_matches", "in Tera 2, write `trim_end(pat=…)`"),
    (Filter, "trim_start_matches", "in Tera 2, write `trim_start(pat=…)`"),
    (Filter, "urlencode", "Tera 2 has no `urlencode`"),
    (Filter, "urlencode_strict", "Tera 2 has no `urlencode_strict`"),
    (Test, "divisibleby", "Tera 2 calls it `divisible_by(divisor=…)`"),
    (
        Test,
        "matching",
        "Tera 2 has no `matching`: write `containing(pat=…)`, `starting_with(pat=…)` or `ending_with(pat=…)`",
    ),
    (Test, "object", "Tera 2 calls it `map`"),
    (Function, "get_env", "there is no environment: an output is a function of its inputs"),
    (Function, "get_random", "there is no random number: an output is a function of its inputs"),
    (Function, "now", "there is no time: an output is a function of its inputs; let the test ask when it runs"),
];

/// The help for a filter, test or function that Tera 1 had.
pub(super) fn help(kind: CalleeKind, name: &str) -> Option<&'static str> {
    FORMS.iter().find(|(known, old, _)| *known == kind && *old == name).map(|(_, _, help)| *help)
}
