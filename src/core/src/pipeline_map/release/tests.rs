use camino::Utf8Path;
use insta::assert_snapshot;

use super::{find_package, read_release, release_version};
use crate::base::files::MemoryFiles;
use crate::base::problem::Problem;

const TRANSFORMERS_5: &str = include_str!("fixtures/transformers_5.txt");
const TRANSFORMERS_4_57: &str = include_str!("fixtures/transformers_4_57.txt");
const TRANSFORMERS_4_36: &str = include_str!("fixtures/transformers_4_36.txt");

/// Each model type's tasks with their auto classes, then the problems, a line each.
fn read(fixture: &str) -> String {
    let (map, problems) = read_release(&MemoryFiles::from_fixture(fixture), Utf8Path::new(""));
    let with_class = |model_type: &str, task: &String| {
        format!("{task} by {}", map.auto_classes().get(model_type, task).unwrap_or("nothing"))
    };
    let model = |model_type: &str| {
        let tasks = map.tasks(model_type).unwrap_or_default();
        format!(
            "{model_type}: {}",
            tasks.iter().map(|task| with_class(model_type, task)).collect::<Vec<_>>().join(", ")
        )
    };
    map.model_types().map(model).chain(problems.iter().map(line)).collect::<Vec<_>>().join("\n")
}

fn line(problem: &Problem) -> String {
    let path = problem.path.as_deref().unwrap_or(Utf8Path::new("?"));
    let place =
        problem.range.map_or_else(String::new, |range| format!(":{}:{}", range.start.line + 1, range.start.column + 1));
    format!("{path}{place} {:?} {}", problem.severity, problem.message)
}

/// A release whose one task is written as `pt`, with `modeling_auto` as its module of auto classes.
fn release(pt: &str, modeling_auto: &str) -> String {
    format!(
        "-- pipelines/__init__.py --
from ..models.auto.modeling_auto import AutoModelForX, AutoModelForY
SUPPORTED_TASKS = {{
    \"text2text-generation\": {{\"pt\": {pt}}},
}}
-- models/auto/modeling_auto.py --
{modeling_auto}
class AutoModelForX(_BaseAutoModelClass):
    _model_mapping = X
"
    )
}

/// The result for a release whose mapping `X` is built by these statements.
fn read_mapping(statements: &str) -> String {
    read(&release("(AutoModelForX,)", statements))
}

#[test]
fn transformers_5_is_read() {
    assert_snapshot!(read(TRANSFORMERS_5), @"
    clap: zero-shot-audio-classification by AutoModel, feature-extraction by AutoModel
    dpt: depth-estimation by AutoModelForDepthEstimation, image-feature-extraction by AutoModel, feature-extraction by AutoModel
    funnel: feature-extraction by AutoModel
    gpt2: text-generation by AutoModelForCausalLM, feature-extraction by AutoModel
    jev: decision by AutoModelForDecision
    llava: image-text-to-text by AutoModelForImageTextToText, any-to-any by AutoModelForMultimodalLM, feature-extraction by AutoModel
    phi4_multimodal: any-to-any by AutoModelForMultimodalLM
    qwen2: text-generation by AutoModelForCausalLM, decision by AutoModelForDecision, feature-extraction by AutoModel
    speecht5: text-to-audio by AutoModelForTextToSpectrogram, feature-extraction by AutoModel
    t5: text2text-generation by AutoModelForSeq2SeqLM, feature-extraction by AutoModel
    vits: text-to-audio by AutoModelForTextToWaveform, feature-extraction by AutoModel
    ");
}

#[test]
fn transformers_4_57_is_read_from_a_source_checkout() {
    assert_snapshot!(read(TRANSFORMERS_4_57), @"
    bart: text2text-generation by AutoModelForSeq2SeqLM, summarization by AutoModelForSeq2SeqLM, fill-mask by AutoModelForMaskedLM
    bert: fill-mask by AutoModelForMaskedLM
    blip: image-to-text by AutoModelForVision2Seq
    ");
}

#[test]
fn transformers_4_36_is_read_from_the_package_itself() {
    assert_snapshot!(read(TRANSFORMERS_4_36), @"
    bart: text2text-generation by AutoModelForSeq2SeqLM, translation by AutoModelForSeq2SeqLM, text-generation by AutoModelForCausalLM, conversational by AutoModelForSeq2SeqLM
    gpt2: text-generation by AutoModelForCausalLM, conversational by AutoModelForCausalLM
    ");
}

#[test]
fn the_package_is_found_and_says_its_version() {
    let version = |fixture: &str| {
        let files = MemoryFiles::from_fixture(fixture);
        let package = find_package(&files, Utf8Path::new("")).unwrap();
        (package.to_string(), release_version(&files, &package))
    };
    assert_eq!(version(TRANSFORMERS_5), ("transformers".to_owned(), Some("5.23.0".to_owned())));
    assert_eq!(version(TRANSFORMERS_4_57), ("src/transformers".to_owned(), Some("4.57.6".to_owned())));
    assert_eq!(version(TRANSFORMERS_4_36), (String::new(), None));
}

#[test]
fn a_folder_without_the_package_or_a_part_of_it_is_said() {
    assert_snapshot!(read("-- README.md --\n"), @"
    ? Error there is no transformers package in `.`
    ");
    assert_snapshot!(read("-- transformers/pipelines/__init__.py --\nSUPPORTED_TASKS = {}\n"), @"
    transformers/models/auto/modeling_auto.py Error `models/auto/modeling_auto.py` of the release cannot be read: it does not exist
    ");
    assert_snapshot!(read("-- pipelines/__init__.py --\n-- models/auto/modeling_auto.py --\n"), @"
    pipelines/__init__.py:1:1 Error the release's pipelines have no `SUPPORTED_TASKS`
    ");
}

#[test]
fn the_ways_to_write_a_mapping_are_understood() {
    let rows = [
        ("X = {'a': 1, **{'b': 2}}", "a b"),
        ("X = dict(a=1, b=2)", "a b"),
        ("X = OrderedDict(**{'a': 1}, **{'b': 2})", "a b"),
        ("X = OrderedDict([('a', 1)] + list({'b': 2}.items()))", "a b"),
        ("A = [('a', 1)]\nX = OrderedDict([*A, ('b', 2)])", "a b"),
        ("A = {'a': 1}\nX = A | {'b': 2}", "a b"),
        ("X: dict[str, str] = {'a': 1}\nX |= {'b': 2}", "a b"),
        ("X = {'a': 1}\nX.update({'b': 2}, c=3)", "a b c"),
        ("X = {'a': 1}\nX['b'] = 2", "a b"),
        ("X = {'a': 1}\nX = {'b': 2}", "b"),
        ("X = {'a': 1}\nX = OrderedDict(**{'b': 2}, **X)", "a b"),
        ("N = {'a': 1}\nX = _LazyAutoMapping(CONFIG, N)\nN.update({'b': 2})", "a b"),
        ("if is_torch_available():\n    X = {'a': 1}\nelse:\n    X = {}", "a"),
        ("if TYPE_CHECKING:\n    X = {'a': 1}\nelif not is_tf_available():\n    X = {'b': 2}", "b"),
        ("X = {'a': 1}\nfor key, value in X.items():\n    print(key)", "a"),
    ];
    for (statements, expected) in rows {
        let expected: Vec<String> = expected
            .split_whitespace()
            .map(|model_type| format!("{model_type}: text2text-generation by AutoModelForX"))
            .collect();
        assert_eq!(read_mapping(statements), expected.join("\n"), "{statements}");
    }
}

#[test]
fn what_is_not_understood_in_a_mapping_is_said_and_the_rest_is_read() {
    let rows = [
        "X = OrderedDict((k, v) for k, v in TABLE)",
        "X = OrderedDict([('a', 1), (BertConfig, BertModel), (T5Config, T5Model)])",
        "X = {'a': 1}\nfor key in KEYS:\n    X[key] = 1",
        "X = {'a': 1}\nX.pop('a')",
        "X = {'a': 1}\nif sys.version_info > (3, 12):\n    X.update(b=2)",
        "try:\n    X = {'a': 1}\nexcept ImportError:\n    X = {}",
        "from .nowhere import X",
        "X = merged({'a': 1})",
        "A = B\nB = X\nX = A",
        "def X(): pass",
        "X = {'a': 1",
    ];
    let read: Vec<String> =
        rows.iter().map(|row| format!("{row}\n    {}", read_mapping(row).replace('\n', "\n    "))).collect();
    assert_snapshot!(read.join("\n"), @"
    X = OrderedDict((k, v) for k, v in TABLE)
        models/auto/modeling_auto.py:1:17 Error `(k, v) for k, v in TABLE` was not understood, so the model types of `AutoModelForX` may be incomplete
    X = OrderedDict([('a', 1), (BertConfig, BertModel), (T5Config, T5Model)])
        a: text2text-generation by AutoModelForX
        models/auto/modeling_auto.py:1:29 Error `BertConfig` (and 1 more) was not understood, so the model types of `AutoModelForX` may be incomplete
    X = {'a': 1}
    for key in KEYS:
        X[key] = 1
        a: text2text-generation by AutoModelForX
        models/auto/modeling_auto.py:2:1 Error `for key in KEYS:` was not understood, so the model types of `AutoModelForX` may be incomplete
    X = {'a': 1}
    X.pop('a')
        a: text2text-generation by AutoModelForX
        models/auto/modeling_auto.py:2:1 Error `X.pop('a')` was not understood, so the model types of `AutoModelForX` may be incomplete
    X = {'a': 1}
    if sys.version_info > (3, 12):
        X.update(b=2)
        a: text2text-generation by AutoModelForX
        models/auto/modeling_auto.py:2:1 Error `if sys.version_info > (3, 12):` was not understood, so the model types of `AutoModelForX` may be incomplete
    try:
        X = {'a': 1}
    except ImportError:
        X = {}
        models/auto/modeling_auto.py:1:1 Error `try:` was not understood, so the model types of `AutoModelForX` may be incomplete
    from .nowhere import X
        models/auto/modeling_auto.py:3:22 Error `X` was not understood, so the model types of `AutoModelForX` may be incomplete
    X = merged({'a': 1})
        models/auto/modeling_auto.py:1:5 Error `merged({'a': 1})` was not understood, so the model types of `AutoModelForX` may be incomplete
    A = B
    B = X
    X = A
        models/auto/modeling_auto.py:1:5 Error `B` was not understood, so the model types of `AutoModelForX` may be incomplete
    def X(): pass
        models/auto/modeling_auto.py:1:5 Error `X` was not understood, so the model types of `AutoModelForX` may be incomplete
    X = {'a': 1
        a: text2text-generation by AutoModelForX
        models/auto/modeling_auto.py:1:12 Error the release's source has a syntax error: expected `}`, found newline
        models/auto/modeling_auto.py:2:1 Error the release's source has a syntax error: expected `,`, found `class`
    ");
}

#[test]
fn what_is_not_understood_in_a_task_is_said_and_the_rest_is_read() {
    let rows = [
        "(AutoModelForX, AutoModelForY)",
        "(AutoModelForX,) if is_torch_available() and on_a_tuesday() else ()",
        "(auto_model_for('x'),)",
        "[AutoModelForX]",
        "AutoModelForX if is_torch_available() else None",
        "()",
    ];
    let read: Vec<String> = rows
        .iter()
        .map(|row| format!("{row}\n    {}", read(&release(row, "X = {'a': 1}")).replace('\n', "\n    ")))
        .collect();
    assert_snapshot!(read.join("\n"), @"
    (AutoModelForX, AutoModelForY)
        a: text2text-generation by AutoModelForX
        pipelines/__init__.py:3:52 Error `AutoModelForY` was not understood, so model types of the task `text2text-generation` may be missing
    (AutoModelForX,) if is_torch_available() and on_a_tuesday() else ()
        pipelines/__init__.py:3:36 Error `(AutoModelForX,) if is_torch_available() and on_a_tuesday()` was not understood, so model types of the task `text2text-generation` may be missing
    (auto_model_for('x'),)
        pipelines/__init__.py:3:37 Error `auto_model_for('x')` was not understood, so model types of the task `text2text-generation` may be missing
    [AutoModelForX]
        a: text2text-generation by AutoModelForX
    AutoModelForX if is_torch_available() else None
        a: text2text-generation by AutoModelForX
    ()
    ");
}

#[test]
fn a_mapping_is_followed_into_the_modules_it_is_imported_from() {
    let tables = "-- models/auto/tables.py --\nfrom ...data import NAMES\nNAMES.update(b=2)\n\
                  -- data/__init__.py --\nNAMES = {'a': 1}\n";
    for import in ["from .tables import NAMES as X", "from transformers.models.auto.tables import NAMES as X"] {
        let (map, problems) = read_release(
            &MemoryFiles::from_fixture(&(release("(AutoModelForX,)", import) + tables)),
            Utf8Path::new(""),
        );
        assert_eq!(problems, [], "{import}");
        assert_eq!(map.model_types().collect::<Vec<_>>(), ["a", "b"], "{import}");
    }
}

#[test]
fn imports_that_lead_in_a_ring_end() {
    let ring = "-- pipelines/__init__.py --\nfrom .other import SUPPORTED_TASKS\n-- models/auto/modeling_auto.py --\n\
                -- pipelines/other.py --\nfrom . import SUPPORTED_TASKS\n";
    assert_snapshot!(read(ring), @"
    pipelines/__init__.py:1:1 Error `from .other import SUPPORTED_TASKS` was not understood, so tasks of the release may be missing
    ");
}

#[test]
fn a_mapping_that_a_release_does_not_have_is_said() {
    let fixture = TRANSFORMERS_5.replace("MODEL_FOR_IMAGE_MAPPING_NAMES", "IMAGE_NAMES");
    let read = read(&fixture);
    let about: Vec<&str> = read.lines().filter(|line| line.contains("image-feature-extraction")).collect();
    assert_snapshot!(about.join("\n"), @"transformers/models/auto/modeling_auto.py:1:1 Warning the release has no `MODEL_FOR_IMAGE_MAPPING_NAMES`, so no model type has the task `image-feature-extraction`");
}

#[test]
fn a_task_that_the_ranking_does_not_know_is_said_and_never_guessed_to_be_primary() {
    let fixture = TRANSFORMERS_5
        .replace("\"depth-estimation\": {", "\"dowsing\": {")
        .replace("    \"any-to-any\": {", "    \"smelling\": {\"pt\": (AutoModel,)},\n    \"any-to-any\": {");
    let read = read(&fixture);
    let about: Vec<&str> = read.lines().filter(|line| line.contains("dowsing") || line.contains("smelling")).collect();
    assert_snapshot!(about.join("\n"), @"
    dpt: dowsing by AutoModelForDepthEstimation, image-feature-extraction by AutoModel, feature-extraction by AutoModel
    transformers/pipelines/__init__.py:73:16 Warning the task `dowsing` is not ranked yet, so it comes after the tasks that are
    transformers/pipelines/__init__.py:78:17 Warning the task `smelling` is not ranked yet, so it comes after the tasks that are
    transformers/pipelines/__init__.py:78:17 Error the task `smelling` lists only `AutoModel`, which does not tell its model types
    ");
}

#[test]
fn a_module_that_is_nested_too_deeply_is_named() {
    let deep = release("(\"AutoModelForX\",)", &format!("A = {}1", "-".repeat(100_000)));
    let shown = read(&deep);
    let expected = "modeling_auto.py Error the release's source is not read: it is nested more than 400 levels deep";
    assert!(shown.contains(expected), "{shown}");
}
