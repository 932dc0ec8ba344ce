//! The configuration files are read as a whole.

use std::collections::BTreeMap;

use camino::Utf8Path;
use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::base::files::MemoryFiles;
use crate::base::problem::{Code, Problem};
use crate::base::text::Position;

const SUITE: &str = "[[suite]]\nname = 's'\ntemplate = 't'\nmodels = 'all'\noutput = 'o'\n";

const CARGO_TOML: &str = "[package]\nname = 'p'\n\n[package.metadata.tgen]\nskillset = 's'\n";

#[track_caller]
fn config(text: &str) -> Config {
    read(text, Utf8Path::new("tgen.toml"), Origin::TgenToml).unwrap()
}

/// The problems of a `tgen.toml`, one block each.
fn problems(text: &str) -> String {
    problems_of(text, Origin::TgenToml)
}

fn problems_of(text: &str, origin: Origin) -> String {
    let problems = read(text, Utf8Path::new(origin.file_name()), origin).unwrap_err();
    problems.iter().map(|problem| show(problem, text)).collect::<Vec<_>>().join("\n")
}

/// A problem with the text that its range covers.
fn show(problem: &Problem, text: &str) -> String {
    let place = |range: Option<Range>| {
        let Range { start, end } = range.unwrap();
        let lines = crate::base::text::LineIndex::new(text);
        let covered = &text[lines.offset(start)..lines.offset(end)];
        format!("{}:{} `{covered}`", start.line + 1, start.column + 1)
    };
    let code = if problem.code == Code::InvalidConfig { String::new() } else { format!(" [{}]", problem.code.name()) };
    let help = problem.help.as_deref().unwrap();
    let related = problem.related.iter().map(|related| format!("\n  {}: {}", place(related.range), related.message));
    let related: String = related.collect();
    format!("{}{code}: {}\n  help: {help}{related}", place(problem.range), problem.message)
}

/// The problems of a suite that is complete but for these lines.
fn suite_problems(lines: &str) -> String {
    problems(&suite_with(lines))
}

fn suite_with(lines: &str) -> String {
    let required = [("name", "'s'"), ("template", "'t'"), ("models", "'all'"), ("output", "'o'")];
    let is_given = |name: &str| lines.lines().any(|line| line.split('=').next().unwrap_or_default().trim() == name);
    let others = required.iter().filter(|(name, _)| !is_given(name));
    let others: Vec<String> = others.map(|(name, value)| format!("{name} = {value}\n")).collect();
    format!("[[suite]]\n{}{lines}\n", others.concat())
}

#[test]
fn without_a_configuration_a_folder_of_templates_counts() {
    let templates = |fixture: &str| Config::unconfigured(&MemoryFiles::from_fixture(fixture)).templates;
    assert_eq!(templates("-- templates/t.py.tera --\nx\n").map(|spot| spot.value), Some("templates".into()));
    assert_eq!(templates("-- other/t.py.tera --\nx\n"), None);
}

#[test]
fn everything_that_a_file_says_is_read() {
    let config = config(
        r#"
pipeline-map = "map.json"
skillset = "skills"
templates = "templates"
template-db = "templates.duckdb"

[placeholders]
organisation = "acme"
limits = { low = 0.5, steps = [1, 2], strict = true }

[models."bert-base-uncased"]
family = "text_embedding"
model-type = "bert"
tasks = ["fill-mask"]
memory-gb = 1
placeholders = { checkpoint_mb = 440 }

[[suite]]
name = "one"
template = ["a.tera", "b.tera"]
models = ["bert*", "all", { family = "vision" }, { task = "fill-mask" }]
output = "test/{{ normalized_name }}.py"
hardware = ["cpu", "apple"]
batch-sizes = [1, 0x10]
format = ["ruff", "format"]
memory-gb = 1.5
test-timeout-seconds = 600
placeholders = { tier = "nightly" }

[[suite]]
name = "two"
template = "database"
models = "skillset"
output = "b.py"
"#,
    );
    assert_eq!(config.path.as_deref(), Some(Utf8Path::new("tgen.toml")));
    assert_eq!(config.pipeline_map.unwrap().value, "map.json");
    assert_eq!(config.skillset.unwrap().value, "skills");
    assert_eq!(config.templates.unwrap().value, "templates");
    assert_eq!(config.template_db.unwrap().value, "templates.duckdb");
    assert_eq!(config.placeholders["organisation"].value, Literal::String("acme".to_owned()));
    let limits = r#"{"low":0.5,"steps":[1,2],"strict":true}"#;
    assert_eq!(serde_json::to_string(&config.placeholders["limits"].value).unwrap(), limits);

    let bert = &config.models["bert-base-uncased"];
    assert_eq!(bert.family.as_ref().unwrap().value, "text_embedding");
    assert_eq!(bert.model_type.as_ref().unwrap().value, "bert");
    assert_eq!(bert.tasks.as_ref().unwrap().value, ["fill-mask"]);
    assert_eq!(bert.memory_gb.map(|memory| memory.value), Some(1.0));
    assert_eq!(bert.placeholders["checkpoint_mb"].value, Literal::Integer(440));

    let [one, two] = &config.suites[..] else { panic!("two suites") };
    let selectors: Vec<_> = one.models.iter().map(|selector| selector.value.clone()).collect();
    let expected = [
        Selector::Name("bert*".to_owned()),
        Selector::All,
        Selector::Family("vision".to_owned()),
        Selector::Task("fill-mask".to_owned()),
    ];
    assert_eq!(selectors, expected);
    assert!(matches!(&one.template, TemplateSource::Files(names) if names.len() == 2));
    assert_eq!(one.hardware, [HardwareType::Cpu, HardwareType::Mps]);
    assert_eq!(one.batch_sizes, [1, 16]);
    assert_eq!(one.format.as_deref().unwrap(), ["ruff", "format"]);
    assert_eq!(one.memory_gb.map(|memory| memory.value), Some(1.5));
    assert_eq!(one.test_timeout_seconds, Some(600));
    assert_eq!(one.placeholders["tier"].value, Literal::String("nightly".to_owned()));
    assert!(matches!(two.template, TemplateSource::Database(Some(range)) if range.start == Position::new(31, 11)));
}

#[test]
fn a_merge_that_is_not_finished_is_the_one_problem_of_a_file() {
    assert_snapshot!(problems("a = 1\n<<<<<<< HEAD\nnosuch = 1\n=======\nb =\n>>>>>>> side\n"), @"
    2:1 `<<<<<<< HEAD`: the configuration has git's conflict markers
      help: merge the two sides, and delete the markers
    ");
}

#[test]
fn an_empty_file_says_what_no_file_says() {
    assert_eq!(Config { path: None, ..config("") }, Config::built_in());
}

#[test]
fn an_axis_left_out_is_the_default_that_the_table_of_keys_promises() {
    for (key, is_default) in [
        (keys::HARDWARE, (|suite| suite.hardware == Suite::DEFAULT_HARDWARE) as fn(&Suite) -> bool),
        (keys::BATCH_SIZES, |suite| suite.batch_sizes == Suite::DEFAULT_BATCH_SIZES),
    ] {
        let keys::Omitted::IsTheValue(value) = key.omitted else { panic!("`{}` has a default", key.name) };
        assert!(is_default(&config(&suite_with(&format!("{} = {value}", key.name))).suites[0]));
        assert!(is_default(&config(SUITE).suites[0]));
    }
}

#[test]
fn a_placeholder_serializes_as_its_bare_value() {
    let map = BTreeMap::from([("a".to_owned(), Literal::List(vec![Literal::Float(0.5), Literal::Boolean(true)]))]);
    assert_eq!(serde_json::to_string(&Literal::Map(map)).unwrap(), r#"{"a":[0.5,true]}"#);
}

#[test]
fn an_unknown_key_is_pointed_at_with_the_key_that_was_meant() {
    assert_snapshot!(problems("skilset = 's'\n[models.bert]\nfamilly = 'x'\n"), @"
    1:1 `skilset`: unknown key `skilset`
      help: did you mean `skillset`?
    3:1 `familly`: unknown key `familly`
      help: did you mean `family`?
    ");
    assert_snapshot!(suite_problems("batch_sizes = [1]"), @"
    6:1 `batch_sizes`: unknown key `batch_sizes`
      help: did you mean `batch-sizes`?
    ");
}

#[test]
fn a_key_in_the_wrong_table_is_told_where_it_belongs() {
    assert_snapshot!(problems(&format!("hardware = ['cpu']\nmodel-type = 'x'\n{SUITE}pipeline-map = 'm'\n")), @r#"
    1:1 `hardware`: unknown key `hardware`
      help: `hardware` belongs below a header `[[suite]]`
    2:1 `model-type`: unknown key `model-type`
      help: `model-type` belongs below a header `[models."model name"]`
    8:1 `pipeline-map`: unknown key `pipeline-map`
      help: `pipeline-map` belongs above the first header
    "#);
}

#[test]
fn a_value_of_the_wrong_type_is_told_the_right_one() {
    assert_snapshot!(suite_problems("batch-sizes = '1'"), @"
    6:15 `'1'`: `batch-sizes` is a list of integers, not a string
      help: write it like `batch-sizes = [1, 4]`
    ");
    assert_snapshot!(suite_problems("batch-sizes = [1, '4', 2.0]"), @"
    6:19 `'4'`: `batch-sizes` is a list of integers, but this is a string
      help: write it like `batch-sizes = [1, 4]`
    6:24 `2.0`: `batch-sizes` is a list of integers, but this is a float
      help: write it like `batch-sizes = [1, 4]`
    ");
    assert_snapshot!(suite_problems("hardware = 'cpu'"), @r#"
    6:12 `'cpu'`: `hardware` is a list of hardware types, not a string
      help: write it like `hardware = ["cpu", "cuda"]`
    "#);
    assert_snapshot!(suite_problems("models = 1\ntemplate = { a = 1 }\noutput = 1979-05-27"), @r#"
    3:10 `1`: `models` is a string, a table, or a list of these, not an integer
      help: write it like `models = ["bert-base-uncased", "vit*", { family = "audio" }]`
    4:12 `{ a = 1 }`: `template` is a string or a list of strings, not a table
      help: write it like `template = ["models/{{ normalized_name }}.py.tera", "tasks/{{ primary_task }}.py.tera", "skillset.py.tera"]`
    5:10 `1979-05-27`: `output` is a string, not a date
      help: write it like `output = "test/skills/test_hf_{{ normalized_name }}.py"`
    "#);
    assert_snapshot!(problems("skillset = true\nplaceholders = 1\nmodels = 'bert'\n[suite]\nname = 's'\n"), @r#"
    1:12 `true`: `skillset` is a string, not a boolean
      help: write it like `skillset = "ipfs_accelerate_py/worker/skillset"`
    2:16 `1`: `placeholders` is a table of placeholders and their values, not an integer
      help: write it like `placeholders = { organisation = "acme" }`
    3:10 `'bert'`: `models` is a table of models' names and tables, not a string
      help: write each table below a header `[models."model name"]`
    4:1 `[suite]`: `suite` is a list of tables, not a table
      help: write each table below a header `[[suite]]`
    "#);
    assert_snapshot!(problems("models.bert = 1\nsuite = [1]"), @r#"
    1:15 `1`: `models` is a table of models' names and tables, but this is an integer
      help: write each table below a header `[models."model name"]`
    2:10 `1`: `suite` is a list of tables, but this is an integer
      help: write each table below a header `[[suite]]`
    "#);
}

#[test]
fn a_value_out_of_bounds_is_told_the_bounds() {
    assert_snapshot!(suite_problems("batch-sizes = [0, 99999999999]\ntest-timeout-seconds = -1\nmemory-gb = nan"), @"
    6:16 `0`: `batch-sizes` holds integers from 1 to 4294967295
      help: write it like `batch-sizes = [1, 4]`
    6:19 `99999999999`: `batch-sizes` holds integers from 1 to 4294967295
      help: write it like `batch-sizes = [1, 4]`
    7:24 `-1`: `test-timeout-seconds` holds an integer from 1 to 4294967295
      help: write it like `test-timeout-seconds = 600`
    8:13 `nan`: `memory-gb` holds a number above 0
      help: write it like `memory-gb = 16`
    ");
}

#[test]
fn an_unknown_hardware_type_is_a_problem_with_the_one_that_was_meant() {
    assert_snapshot!(suite_problems("hardware = ['cpu', 'cudda', 'tpu-v9']"), @"
    6:20 `'cudda'`: unknown hardware type `cudda`
      help: did you mean `cuda`?
    6:29 `'tpu-v9'`: unknown hardware type `tpu-v9`
      help: there is `cpu`, `cuda`, `rocm`, `openvino`, `mps`, `qualcomm`, `apple`
    ");
}

#[test]
fn a_value_that_stands_twice_on_an_axis_is_a_problem() {
    assert_snapshot!(suite_problems("hardware = ['mps', 'cpu', 'apple', 'cpu']\nbatch-sizes = [1, 2, 0b1]"), @"
    6:27 `'apple'`: `apple` in `hardware` is the same as `mps`
      help: remove one of the two
      6:13 `'mps'`: the first one is here
    6:36 `'cpu'`: `cpu` stands twice in `hardware`
      help: remove one of the two
      6:20 `'cpu'`: the first one is here
    7:22 `0b1`: `1` stands twice in `batch-sizes`
      help: remove one of the two
      7:16 `1`: the first one is here
    ");
}

#[test]
fn two_suites_of_one_name_are_a_problem_at_the_second() {
    assert_snapshot!(problems(&format!("{SUITE}\n{SUITE}")), @"
    8:8 `'s'`: two suites have the name `s`
      help: give each suite a name of its own
      2:8 `'s'`: the first one is here
    ");
}

#[test]
fn a_suite_is_told_all_that_it_lacks() {
    assert_snapshot!(problems("[[suite]]\nname = ' '\n"), @r#"
    1:1 `[[suite]]`: `template` is missing
      help: add it, for example `template = ["models/{{ normalized_name }}.py.tera", "tasks/{{ primary_task }}.py.tera", "skillset.py.tera"]`
    1:1 `[[suite]]`: `models` is missing
      help: add it, for example `models = ["bert-base-uncased", "vit*", { family = "audio" }]`
    1:1 `[[suite]]`: `output` is missing
      help: add it, for example `output = "test/skills/test_hf_{{ normalized_name }}.py"`
    2:8 `' '`: `name` holds an empty string
      help: write it like `name = "skillset"`
    "#);
}

#[test]
fn empty_lists_and_strings_are_problems() {
    assert_snapshot!(suite_problems("template = ['', 't']\nmodels = []\nhardware = []\nformat = []"), @r#"
    4:13 `''`: `template` holds an empty string
      help: write it like `template = ["models/{{ normalized_name }}.py.tera", "tasks/{{ primary_task }}.py.tera", "skillset.py.tera"]`
    5:10 `[]`: `models` is empty
      help: name at least one
    6:12 `[]`: `hardware` is empty
      help: name at least one, or leave `hardware` out
    7:10 `[]`: `format` is empty
      help: name at least one, or leave `format` out
    "#);
    assert_snapshot!(problems("suite = []\nskillset = ''\n"), @r#"
    1:9 `[]`: `suite` is empty
      help: name at least one, or leave `suite` out
    2:12 `''`: `skillset` holds an empty string
      help: write it like `skillset = "ipfs_accelerate_py/worker/skillset"`
    "#);
}

#[test]
fn a_selection_says_one_thing() {
    assert_snapshot!(suite_problems("models = [{}, { family = 'a', task = 'b' }, { name = 'c' }, '', '[a', 7]"), @r#"
    5:11 `{}`: a selection of models is empty
      help: write it like `{ family = "vision" }`
    5:15 `{ family = 'a', task = 'b' }`: a selection has `family` or `task`, not both
      help: a list selects the models of each of its parts: `[{ family = "vision" }, { task = "..." }]`
    5:47 `name`: unknown key `name`
      help: there is `family`, `task`
    5:61 `''`: `models` holds an empty string
      help: write it like `models = ["bert-base-uncased", "vit*", { family = "audio" }]`
    5:65 `'[a'`: `[a` is not a glob: unclosed character class; missing ']'
      help: write a model's name, or a glob with `*`, `?`, `[...]` and `{...,...}`
    5:71 `7`: `models` is a string, a table, or a list of these, not an integer
      help: write it like `models = ["bert-base-uncased", "vit*", { family = "audio" }]`
    "#);
}

#[test]
fn the_template_database_stands_alone() {
    assert_snapshot!(suite_problems("template = ['a.tera', 'database']"), @r#"
    5:23 `'database'`: `database` stands alone, not in a list
      help: write `template = "database"`, or `./database` for a file of that name
    "#);
}

#[test]
fn an_output_path_that_leaves_the_root_is_a_problem() {
    assert_snapshot!(suite_problems("output = '/tmp/{{ model_name }}.py'"), @"
    5:10 `'/tmp/{{ model_name }}.py'` [invalid-output-path]: output path `/tmp/{{ model_name }}.py` is absolute
      help: write it relative to the project's root
    ");
    assert_snapshot!(suite_problems("output = 'test/../../{{ model_name }}.py'"), @"
    5:10 `'test/../../{{ model_name }}.py'` [invalid-output-path]: output path `test/../../{{ model_name }}.py` leads out of a folder with `..`
      help: write it without `..`, from the project's root down
    ");
}

#[test]
fn a_placeholder_is_an_identifier_that_nothing_else_has() {
    assert_snapshot!(
        problems("[placeholders]\na-b = 1\nloop = 2\nmodel_name = 3\n[models.m.placeholders]\n'' = 4\n"), @"
    2:1 `a-b`: `a-b` is not a placeholder's name
      help: use letters, digits and `_`, and do not begin with a digit
    3:1 `loop`: `loop` is a word of the template language
      help: choose another name, such as `my_loop`
    4:1 `model_name`: `model_name` is a built-in placeholder
      help: choose another name, such as `my_model_name`
    6:1 `''`: `` is not a placeholder's name
      help: use letters, digits and `_`, and do not begin with a digit
    ");
}

#[test]
fn a_placeholder_that_no_template_could_show_is_a_problem() {
    assert_snapshot!(problems("[placeholders]\na = 1979-05-27\nb = [nan, 99999999999999999999]\n"), @"
    2:5 `1979-05-27`: a placeholder cannot be a date
      help: write it as a string, in quotes
    3:6 `nan`: a placeholder cannot be this number
      help: write a finite number that fits 64 bits, or a string in quotes
    3:11 `99999999999999999999`: a placeholder cannot be this number
      help: write a finite number that fits 64 bits, or a string in quotes
    ");
}

#[test]
fn syntax_errors_are_reported_at_once_and_alone() {
    assert_snapshot!(problems("skillset = acme\n[placeholders\nx = 'a\nunknown = 1\n"), @"
    1:12 `acme`: string values must be quoted, expected literal string
      help: the file is TOML: see https://toml.io for its syntax
    2:14 ``: unclosed table, expected `]`
      help: the file is TOML: see https://toml.io for its syntax
    ");
    assert_snapshot!(problems("skillset = 'a'\nskillset = 'b'\n"), @"
    2:1 `skillset`: duplicate key
      help: a key, and a table's header, stands once: remove one of the two
    ");
}

#[test]
fn places_are_right_after_a_byte_order_mark_and_with_windows_line_ends() {
    assert_snapshot!(problems("\u{feff}x = 'é'\r\n[placeholders]\r\na-b = 'ü'\r\n"), @"
    1:4 `x`: unknown key `x`
      help: there is `required-version`, `pipeline-map`, `skillset`, `templates`, `template-db`, `placeholders`, `models`, `suite`
    3:1 `a-b`: `a-b` is not a placeholder's name
      help: use letters, digits and `_`, and do not begin with a digit
    ");
    assert_eq!(config(&format!("\u{feff}{}", SUITE.replace('\n', "\r\n"))).suites[0].name.value, "s");
}

#[test]
fn a_string_of_several_lines_is_the_same_with_windows_line_ends() {
    let text = format!(
        "[placeholders]\na = \"\"\"\nx\n\\r\\n\ny\"\"\"\nb = {{ c = ['''\nx\ny'''] }}\n{SUITE}placeholders.d = '''x\n'''\n[models.bert]\nplaceholders.e = '''\nx\n'''\n"
    );
    let unix = config(&text);
    assert_eq!(unix.placeholders["a"].value, Literal::String("x\n\r\n\ny".to_owned()));
    assert_eq!(config(&text.replace('\n', "\r\n")), unix);
}

#[test]
fn a_projects_file_is_loaded_from_its_root() {
    let mut files = MemoryFiles::from_fixture("-- tgen.toml --\nskillset = 's'\n");
    assert!(load(&files, Origin::TgenToml).unwrap().skillset.is_some());
    files.insert("tgen.toml", [0xff]);
    let message = |origin| load(&files, origin).unwrap_err().remove(0).message;
    assert_snapshot!(message(Origin::TgenToml), @"
    cannot read `tgen.toml`: it is not UTF-8 text (the first other byte is at offset 0)
    ");
    assert_snapshot!(message(Origin::CargoPackageMetadata), @"
    cannot read `Cargo.toml`: it does not exist
    ");
}

#[test]
fn a_table_of_a_cargo_manifest_is_read_like_a_file() {
    let read_as = |origin| read(CARGO_TOML, Utf8Path::new("Cargo.toml"), origin);
    let skillset = read_as(Origin::CargoPackageMetadata).unwrap().skillset.unwrap();
    assert_eq!(skillset.value, "s");
    assert_eq!(skillset.range.unwrap().start, Position::new(4, 11));
}

#[test]
fn problems_in_a_cargo_manifest_have_its_places_and_headers() {
    let workspace = "[workspace]\nmembers = []\n[workspace.metadata]\ntgen = { skilset = 's', suite = {} }\n";
    assert_snapshot!(problems_of(workspace, Origin::CargoWorkspaceMetadata), @"
    4:10 `skilset`: unknown key `skilset`
      help: did you mean `skillset`?
    4:33 `{}`: `suite` is a list of tables, not a table
      help: write each table below a header `[[workspace.metadata.tgen.suite]]`
    ");
    assert_snapshot!(problems_of("package.metadata.tgen = 1", Origin::CargoPackageMetadata), @"
    1:25 `1`: `tgen` is not a table
      help: write its keys below a header `[package.metadata.tgen]`
    ");
    assert_snapshot!(problems_of(CARGO_TOML, Origin::CargoWorkspaceMetadata), @"
    1:1 ``: `[workspace.metadata.tgen]` is missing
      help: add the table, or write a `tgen.toml`
    ");
}

#[test]
fn a_cargo_manifest_is_asked_which_tables_it_has() {
    assert_eq!(origins_in(CARGO_TOML), Some(vec![Origin::CargoPackageMetadata]));
    let both = "package.metadata.tgen.skillset = 'a'\nworkspace.metadata = { tgen = {} }\n";
    assert_eq!(origins_in(both), Some(vec![Origin::CargoPackageMetadata, Origin::CargoWorkspaceMetadata]));
    assert_eq!(origins_in("# package.metadata.tgen\n[package]\n"), Some(vec![]));
    assert_eq!(origins_in("not toml"), None);
}

#[test]
fn a_pyproject_configures_a_project_in_its_own_table() {
    const PYPROJECT: &str = "[project]\nname = 'x'\n[tool.tgen]\nskillset = 'skills'\n";
    let config = read(PYPROJECT, Utf8Path::new("pyproject.toml"), Origin::PyProjectTool).unwrap();
    assert_eq!(config.skillset.unwrap().value, "skills");
    assert_eq!([PYPROJECT, "[tool.ruff]\n"].map(is_in_pyproject), [Some(true), Some(false)]);
    assert_eq!(is_in_pyproject("[tool.tgen"), None);
    assert_snapshot!(problems_of("[tool.tgen]\nskilset = 'a'\n", Origin::PyProjectTool), @"
    2:1 `skilset`: unknown key `skilset`
      help: did you mean `skillset`?
    ");
}

#[test]
fn a_version_that_the_project_does_not_allow_is_the_only_problem() {
    for allowed in ["*", concat!("=", env!("CARGO_PKG_VERSION")), ">=0.0.1"] {
        config(&format!("required-version = '{allowed}'\n{SUITE}"));
    }
    let refused =
        problems("required-version = '>=99'\nkey-of-the-future = 1\n").replace(env!("CARGO_PKG_VERSION"), "[this]");
    assert_snapshot!(refused, @"
    1:20 `'>=99'`: the project requires cargo-tgen `>=99`, but this is [this]
      help: install a version that the project requires, or change `required-version`
    ");
    assert_snapshot!(problems("required-version = 'newest'\n"), @"
    1:20 `'newest'`: `newest` is no version requirement: unexpected character 'n' while parsing major version number
      help: write it like `required-version = \">=0.1, <0.3\"`
    ");
}

/// Texts that are nearly a configuration: lines of one, in any order, with a stretch cut out.
fn near_config() -> impl Strategy<Value = String> {
    let text = init::tgen_toml(&init::Options::default()).replace('#', "") + SUITE + CARGO_TOML;
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let picked = proptest::collection::vec(proptest::sample::select(lines), 0..12);
    (picked, any::<proptest::sample::Index>(), 0..6_usize).prop_map(|(lines, at, len)| {
        let mut chars: Vec<char> = lines.join("\n").chars().collect();
        if !chars.is_empty() {
            let at = at.index(chars.len());
            chars.drain(at..(at + len).min(chars.len()));
        }
        chars.into_iter().collect()
    })
}

proptest! {
    #[test]
    fn windows_line_ends_change_no_value_and_no_place(text in near_config()) {
        let read = |text: &str| read(text, Utf8Path::new("tgen.toml"), Origin::TgenToml);
        prop_assert_eq!(read(&text.replace('\n', "\r\n")), read(&text));
    }

    #[test]
    fn reading_any_text_ends_in_a_configuration_or_in_problems(text in prop_oneof![near_config(), any::<String>()]) {
        for origin in [Origin::TgenToml, Origin::PyProjectTool, Origin::CargoWorkspaceMetadata, Origin::CargoPackageMetadata] {
            match read(&text, Utf8Path::new("tgen.toml"), origin) {
                Ok(config) => prop_assert!(!config.suites.is_empty()),
                Err(problems) => prop_assert!(!problems.is_empty() && problems.iter().all(Problem::is_error)),
            }
        }
    }
}
