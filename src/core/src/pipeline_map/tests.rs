use camino::Utf8Path;
use insta::assert_snapshot;
use proptest::prelude::*;

use super::{AutoClasses, PipelineMap};
use crate::base::problem::Problem;
use crate::base::text::Position;

fn parse(text: &str) -> (PipelineMap, Vec<Problem>) {
    PipelineMap::parse(Utf8Path::new("map.json"), text)
}

/// The map that could be read, then its problems, a line each.
fn read(text: &str) -> String {
    let (map, problems) = parse(text);
    map.to_json() + &list(&problems)
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn line(problem: &Problem) -> String {
    let range = problem.range.unwrap_or_default();
    let place = |at: Position| format!("{}:{}", at.line + 1, at.column + 1);
    let severity = problem.severity;
    format!("{}..{} {severity:?} {}", place(range.start), place(range.end), problem.message)
}

#[test]
fn a_map_is_read_in_its_order_and_written_sorted_one_model_type_a_line() {
    let (map, problems) = parse(r#"{"t5": ["translation", "summarization"], "bert": ["fill-mask"], "mystery": []}"#);
    assert_eq!(problems, []);
    assert_eq!(map.primary_task("t5"), Some("translation"));
    assert_eq!(map.primary_task("mystery"), None);
    assert_eq!(map.tasks("mystery"), Some(&[][..]));
    assert_eq!(map.tasks("vit"), None);
    assert_eq!(map.task_names().into_iter().collect::<Vec<_>>(), ["fill-mask", "summarization", "translation"]);
    assert_snapshot!(map.to_json(), @r#"
    {
      "bert": ["fill-mask"],
      "mystery": [],
      "t5": ["translation", "summarization"]
    }
    "#);
}

#[test]
fn a_model_type_is_found_where_its_file_names_it() {
    let (mut map, _) = parse("{\n  \"bert\": [\"fill-mask\"],\n  \"t5\": []\n}\n");
    let range = map.range_of("t5").unwrap();
    assert_eq!((range.start, range.end), (Position::new(2, 2), Position::new(2, 6)));
    assert_eq!(map.remove("t5"), Some(vec![]));
    assert_eq!((map.range_of("t5"), map.tasks("t5")), (None, None));
}

#[test]
fn every_wrong_shape_is_said_where_it_is_and_the_rest_is_read() {
    assert_snapshot!(read(r#"{
      "bert": "fill-mask",
      "vit": ["image-classification", 7, null],
      "t5": {"task": "translation"},
      "gpt2": ["text-generation"]
    }"#), @r#"
    {
      "gpt2": ["text-generation"],
      "vit": ["image-classification"]
    }
    2:15..2:26 Error the tasks of `bert` must be a list, not a string
    3:39..3:40 Error a task of `vit` must be a string, not a number
    3:42..3:46 Error a task of `vit` must be a string, not null
    4:13..4:36 Error the tasks of `t5` must be a list, not an object
    "#);
}

#[test]
fn what_stands_twice_counts_once() {
    assert_snapshot!(read(r#"{
      "bert": ["fill-mask", "fill-mask"],
      "bert": ["decision"]
    }"#), @r#"
    {
      "bert": ["fill-mask"]
    }
    3:7..3:13 Error `bert` stands twice in the pipeline map
    2:29..2:40 Warning `bert` lists the task `fill-mask` twice
    "#);
}

#[test]
fn a_text_that_is_no_json_object_is_one_problem() {
    let rows = [
        ("", "1:1..1:1 Error the pipeline map is empty"),
        ("[]", "1:1..1:3 Error the pipeline map must be an object, not a list"),
        (
            "{\n  \"bert\": [\"fill-mask\"\n}",
            "3:1..3:2 Error the pipeline map is not valid JSON: unexpected close brace",
        ),
        ("{\"bert\": [],}", "1:12..1:13 Error the pipeline map is not valid JSON: trailing commas are not allowed"),
        ("{} // why", "1:4..1:10 Error the pipeline map is not valid JSON: comments are not allowed"),
        (&"[".repeat(100_000), "1:513..1:515 Error the pipeline map is not valid JSON: maximum nesting depth exceeded"),
    ];
    for (text, expected) in rows {
        assert_eq!(read(text), format!("{{}}\n{expected}"));
    }
}

#[test]
fn an_auto_class_is_the_models_own_or_else_the_usual_one() {
    let text = r#"{
      "tasks": {"text-to-audio": "AutoModelForTextToWaveform"},
      "models": {"speecht5": {"text-to-audio": "AutoModelForTextToSpectrogram"}}
    }"#;
    let (classes, problems) = AutoClasses::parse(Utf8Path::new("map.auto_classes.json"), text);
    assert_eq!(problems, []);
    let map = PipelineMap::default().with_auto_classes(classes.clone());
    assert_eq!(map.auto_class("speecht5", "text-to-audio"), Some("AutoModelForTextToSpectrogram"));
    assert_eq!(map.auto_class("vits", "text-to-audio"), Some("AutoModelForTextToWaveform"));
    assert_eq!(map.auto_class("vits", "fill-mask"), None);
    assert_snapshot!(classes.to_json(), @r#"
    {
      "tasks": {
        "text-to-audio": "AutoModelForTextToWaveform"
      },
      "models": {
        "speecht5": {"text-to-audio": "AutoModelForTextToSpectrogram"}
      }
    }
    "#);
}

#[test]
fn a_map_without_auto_classes_of_its_own_has_the_built_in_ones() {
    let (map, _) = parse(r#"{"t5": ["summarization"]}"#);
    assert_eq!(map.auto_class("t5", "summarization"), Some("AutoModelForSeq2SeqLM"));
    assert_eq!(map.auto_class("whisper", "automatic-speech-recognition"), Some("AutoModelForSpeechSeq2Seq"));
    assert_eq!(map.auto_class("wav2vec2", "automatic-speech-recognition"), Some("AutoModelForCTC"));
}

#[test]
fn a_wrong_auto_classes_file_is_said_where_it_is_wrong() {
    let text = r#"{
      "tasks": {"fill-mask": ["AutoModelForMaskedLM"]},
      "models": {"t5": "AutoModel"},
      "model": {}
    }"#;
    let (classes, problems) = AutoClasses::parse(Utf8Path::new("map.auto_classes.json"), text);
    assert_eq!(classes, AutoClasses::default());
    assert_snapshot!(list(&problems), @r"
    2:30..2:54 Error the auto class of `fill-mask` must be a string, not a list
    3:24..3:35 Error the auto classes of `t5` must be an object, not a string
    4:7..4:14 Error the auto classes file has no key `model`
    ");
}

#[test]
fn the_auto_classes_lie_beside_the_map() {
    let map = Utf8Path::new("data/huggingface_model_pipeline_map.json");
    assert_eq!(AutoClasses::path_beside(map), "data/huggingface_model_pipeline_map.auto_classes.json");
}

#[test]
fn the_built_in_map_has_a_whole_release_with_an_auto_class_for_every_task() {
    let map = PipelineMap::built_in();
    assert_eq!(map.model_types().len(), 648);
    let pairs = map
        .model_types()
        .flat_map(|model_type| map.tasks(model_type).unwrap_or_default().iter().map(move |task| (model_type, task)));
    let without: Vec<_> = pairs.filter(|(model_type, task)| map.auto_class(model_type, task).is_none()).collect();
    assert!(without.is_empty(), "{without:?}");
    assert!(map.model_types().all(|model_type| map.primary_task(model_type).is_some()));
}

#[test]
fn the_built_in_files_are_as_this_version_would_write_them() {
    assert_eq!(PipelineMap::built_in().to_json(), include_str!("../../data/pipeline_map.json"));
    let text = include_str!("../../data/pipeline_map.auto_classes.json");
    assert_eq!(AutoClasses::parse(Utf8Path::new("classes.json"), text).0.to_json(), text);
}

#[test]
fn the_primary_task_is_what_a_model_type_is_for() {
    let expected = [
        ("bert", "fill-mask"),
        ("roberta", "fill-mask"),
        ("deberta", "fill-mask"),
        ("gpt2", "text-generation"),
        ("llama", "text-generation"),
        ("mistral", "text-generation"),
        ("qwen2", "text-generation"),
        ("t5", "text2text-generation"),
        ("bart", "text2text-generation"),
        ("vit", "image-classification"),
        ("beit", "image-classification"),
        ("detr", "object-detection"),
        ("whisper", "automatic-speech-recognition"),
        ("wav2vec2", "automatic-speech-recognition"),
        ("voxtral", "automatic-speech-recognition"),
        ("speecht5", "text-to-audio"),
        ("vits", "text-to-audio"),
        ("musicgen", "text-to-audio"),
        ("clip", "zero-shot-image-classification"),
        ("clap", "zero-shot-audio-classification"),
        ("llava", "image-text-to-text"),
        ("gemma3", "image-text-to-text"),
        ("qwen2_vl", "image-text-to-text"),
        ("blip", "image-text-to-text"),
        ("sam", "mask-generation"),
        ("dpt", "depth-estimation"),
        ("videomae", "video-classification"),
        ("tapas", "table-question-answering"),
        ("layoutlmv3", "document-question-answering"),
        ("mask2former", "feature-extraction"),
    ];
    let map = PipelineMap::built_in();
    for (model_type, task) in expected {
        assert_eq!(map.primary_task(model_type), Some(task), "{model_type}");
    }
}

#[test]
fn bare_features_are_primary_only_where_there_is_nothing_else() {
    let map = PipelineMap::built_in();
    for tasks in map.model_types().filter_map(|model_type| map.tasks(model_type)) {
        assert!(tasks[0] != "feature-extraction" || tasks.len() == 1, "{tasks:?}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in r#"[\[\]{}:,"a1\\é\u{0}\n -]{0,60}"#) {
        let (_, problems) = parse(&text);
        let lines = u32::try_from(text.lines().count() + 1).unwrap();
        prop_assert!(problems.iter().all(|problem| problem.range.unwrap().end.line <= lines));
    }

    #[test]
    fn what_is_written_is_read_again(
        tasks in proptest::collection::btree_map(".{0,8}", proptest::collection::btree_set(".{0,8}", 0..4), 0..5),
    ) {
        let mut map = PipelineMap::default();
        for (model_type, tasks) in tasks {
            map.insert(model_type, tasks);
        }
        let (again, problems) = parse(&map.to_json());
        prop_assert_eq!(problems, vec![]);
        prop_assert_eq!(again.to_json(), map.to_json());
    }
}
