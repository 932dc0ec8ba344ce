//! Edits of templates, as edits of their outputs: `adopt` must find them again, and must never find another one.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "a longer run tells its figures")]

use std::fmt::Write;

use camino::{Utf8Path, Utf8PathBuf};
use tgen_core::base::files::MemoryFiles;
use tgen_core::base::layered::Layered;
use tgen_core::base::problem::Problem;
use tgen_core::config::{self, Origin};
use tgen_core::plan::{Plan, Subject};
use tgen_core::project::Project;
use tgen_core::project::request::Request;
use tgen_core::rendering::adopt::{Adoption, EditedOutput, adopt, adopt_for_models};
use tgen_core::rendering::comparison::render_each;
use tgen_core::template::Dialect;
use tgen_core::template::dollar::{self, DollarPiece};
use tgen_core::template::library::Source;
use tgen_core::template::scan::PieceKind;

/// How many edits are made of each corpus, unless `TGEN_ADOPT_EDITS` says another number.
const EDITS: usize = 100;

#[expect(clippy::disallowed_methods, reason = "a longer run is asked for from outside")]
fn edits() -> usize {
    std::env::var("TGEN_ADOPT_EDITS").ok().map_or(EDITS, |count| count.parse().unwrap())
}

/// Text that edits put in: words, lines, and what looks like tags.
const SNIPPETS: [&str; 18] = [
    "x",
    "renamed",
    " and more",
    "    ",
    "\n",
    "\n\n",
    "import os\n",
    "    assert True\n",
    "# noqa",
    "  # noqa: E501\n",
    "\n\ndef test_new() -> None:\n    assert 1 == 1\n",
    "@pytest.mark.slow\n",
    "    with context():\n    ",
    "(1, 2, 3)",
    "{\"a\": {}}",
    "f\"{{name}}\"",
    "\"${HOME}\"",
    "é → ü",
];

struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0).unwrap_or(usize::MAX) % end
    }

    fn snippet(&mut self) -> &'static str {
        SNIPPETS[self.below(SNIPPETS.len())]
    }
}

/// The stretches of a template that are written as they are.
fn literal_stretches(source: &Source) -> Vec<std::ops::Range<usize>> {
    match source.dialect() {
        Dialect::Dollar => dollar::scan(&source.text)
            .into_iter()
            .filter_map(|piece| match piece {
                DollarPiece::Text(span) => Some(span),
                _ => None,
            })
            .collect(),
        Dialect::Tera => {
            let pieces = source.tree().pieces.iter().filter(|piece| piece.kind == PieceKind::Text);
            pieces.map(|piece| piece.span.clone()).collect()
        }
    }
}

/// An edit of literal text: a line, a part of one, or something at the border of a stretch is put in, taken out or replaced.
fn random_edit(source: &Source, numbers: &mut Numbers) -> Option<String> {
    let stretches = literal_stretches(source);
    if stretches.is_empty() {
        return None;
    }
    let stretch = stretches[numbers.below(stretches.len())].clone();
    let text = &source.text[stretch.clone()];
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let line = numbers.below(lines.len());
    let line_start: usize = lines[..line].iter().map(|line| line.len()).sum();
    let within = line_start + lines[line].floor_char_boundary(numbers.below(lines[line].len() + 1));
    let to = text.floor_char_boundary((within + numbers.below(12)).min(line_start + lines[line].len()));
    let (start, end, new) = match numbers.below(8) {
        0 => (line_start, line_start, format!("{}\n", numbers.snippet().trim_end())),
        1 => (line_start, line_start + lines[line].len(), String::new()),
        2 => (line_start, line_start + lines[line].len(), format!("{}\n", numbers.snippet().trim_end())),
        3 => (within, within, numbers.snippet().to_owned()),
        4 => (within, to.max(within), String::new()),
        5 => (within, to.max(within), numbers.snippet().to_owned()),
        6 => (0, 0, numbers.snippet().to_owned()),
        _ => (text.len(), text.len(), numbers.snippet().to_owned()),
    };
    let mut edited = source.text.clone();
    edited.replace_range(stretch.start + start..stretch.start + end, &new);
    Some(edited)
}

fn texts(plan: &Plan<'_>) -> Option<Vec<(Utf8PathBuf, String)>> {
    let rendered = render_each(plan, &plan.outputs, |output, text| {
        Some((plan.location(output), String::from_utf8(text.ok()?.to_vec()).unwrap()))
    });
    rendered.into_iter().collect()
}

/// A project of one corpus, and the texts of its outputs.
struct Corpus<'f> {
    files: &'f MemoryFiles,
    project: Project<'f>,
}

/// What became of the edits.
#[derive(Default)]
struct Tally {
    recovered: usize,
    refused: usize,
    changes_others: usize,
    wrong: String,
    missed: String,
}

impl<'f> Corpus<'f> {
    fn new(files: &'f MemoryFiles) -> Self {
        let project = Project::load(files, config::load(files, Origin::TgenToml).unwrap(), &[]);
        Self { files, project }
    }

    /// The outputs with other texts of some files; none where they cannot be rendered.
    fn rendered_with(&self, changed: &[(Utf8PathBuf, String)]) -> Option<Vec<(Utf8PathBuf, String)>> {
        let overlaid = changed.iter().map(|(path, text)| (path.clone(), text.as_str().into())).collect();
        let files = Layered::new(self.files, overlaid);
        let paths: Vec<_> = changed.iter().map(|(path, _)| path.clone()).collect();
        let afresh = || Some(Project::load(&files, config::load(&files, Origin::TgenToml).ok()?, &[]));
        let project = self.project.after(&files, &paths).or_else(afresh)?;
        let plan = Plan::new(&project, &Request::default());
        (!plan.problems.iter().any(Problem::is_error)).then(|| texts(&plan)).flatten()
    }

    fn try_edits(&self, count: usize, seed: u64) -> Tally {
        let plan = Plan::new(&self.project, &Request::default());
        assert!(plan.problems.iter().all(|problem| !problem.is_error()), "{:?}", plan.problems);
        let before = texts(&plan).unwrap();
        let names: Vec<_> = self.project.library.project_names().cloned().collect();
        let mut numbers = Numbers(seed);
        let mut tally = Tally::default();
        let mut done = 0;
        while done < count {
            let name = &names[numbers.below(names.len())];
            let source = self.project.library.source(name).unwrap();
            let Some(edited) = random_edit(source, &mut numbers) else { continue };
            let Some(after) = self.rendered_with(&[(source.path.clone(), edited.clone())]) else { continue };
            if after.len() != before.len() || after == before {
                continue;
            }
            done += 1;
            let outputs: Vec<_> = (0..before.len())
                .filter(|number| before[*number] != after[*number])
                .map(|output| EditedOutput { output, text: after[output].1.clone() })
                .collect();
            let adoption = adopt(&plan, &outputs).unwrap();
            self.judge(&adoption, &outputs, &after, (&source.path, &source.text, &edited), &mut tally);
        }
        tally
    }

    fn judge(
        &self,
        adoption: &Adoption,
        edited: &[EditedOutput],
        wanted: &[(Utf8PathBuf, String)],
        (path, before, after): (&Utf8Path, &str, &str),
        tally: &mut Tally,
    ) {
        let changed: Vec<_> = adoption.files.iter().map(|file| (file.path.clone(), file.text.clone())).collect();
        let rendered = self.rendered_with(&changed).unwrap();
        let differs = |number: usize| rendered[number] != wanted[number];
        let describe = || {
            let span = tgen_core::base::text::replaced(before, after);
            let old = &before.get(span.0.clone()).unwrap_or("?");
            let new = after.get(span.0.start..span.0.start + span.1).unwrap_or("?");
            format!("{path}: {} {old:?} -> {new:?}: {:?}\n", span.0.start, adoption.left.first())
        };
        if adoption.adopted.iter().any(|number| differs(*number)) {
            write!(tally.wrong, "{}", describe()).unwrap();
        } else if adoption.adopted.len() < edited.len() {
            assert!(adoption.left.iter().all(|left| left.place.is_some()), "a refusal has a place");
            tally.refused += 1;
            write!(tally.missed, "refused {}", describe()).unwrap();
        } else if (0..wanted.len()).any(differs) {
            tally.changes_others += 1;
            write!(tally.missed, "changes others {}", describe()).unwrap();
        } else {
            tally.recovered += 1;
        }
    }
}

#[track_caller]
fn check(files: &MemoryFiles, seed: u64) {
    let tally = Corpus::new(files).try_edits(edits(), seed);
    assert!(tally.wrong.is_empty(), "{}", tally.wrong);
    println!("recovered {} of {}", tally.recovered, edits());
    assert!(
        tally.recovered * 100 >= edits() * 95,
        "recovered {}, refused {}, changes others {}\n{}",
        tally.recovered,
        tally.refused,
        tally.changes_others,
        tally.missed
    );
}

#[test]
fn edits_of_both_dialects_are_found_again() {
    check(&MemoryFiles::from_fixture(include_str!("corpus.txt")), 0x9e37_79b9_7f4a_7c15);
}

const PACK_CONFIG: &str = r#"-- tgen.toml --
templates = "templates"

[[suite]]
name = "skillset"
template = ["models/{{ normalized_name }}.py.tera", "tasks/{{ primary_task }}.py.tera", "skillset.py.tera"]
models = ["bert", "vit", "whisper", "gpt2", "t5", "llava"]
hardware = ["cpu", "cuda"]
output = "skillset/test_hf_{{ normalized_name }}.py"

[[suite]]
name = "matrix"
template = ["own/{{ normalized_name }}.py", "families/{{ model_family }}.py"]
models = ["bert", "vit", "whisper", "gpt2", "llava"]
hardware = ["cpu", "cuda"]
batch-sizes = [1, 4]
output = "matrix/test_{{ normalized_name }}_{{ hardware_type }}_b{{ batch_size }}.py"
"#;

/// The built-in pack as a project's own templates.
fn pack() -> MemoryFiles {
    let root = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../../templates");
    let mut files = MemoryFiles::from_fixture(PACK_CONFIG);
    add_folder(&root, Utf8Path::new("templates"), &mut files);
    files
}

#[expect(clippy::disallowed_methods, reason = "the built-in pack is data of this test")]
fn add_folder(folder: &Utf8Path, below: &Utf8Path, files: &mut MemoryFiles) {
    for entry in folder.read_dir_utf8().unwrap().map(Result::unwrap) {
        let (path, inside) = (entry.path(), below.join(entry.file_name()));
        let is_template = !entry.file_name().starts_with(['.', '_']) || entry.file_name() == "__init__.py";
        match (is_template, path.is_dir()) {
            (true, true) => add_folder(path, &inside, files),
            (true, false) if entry.file_name() != "README.md" => files.insert(inside, std::fs::read(path).unwrap()),
            _ => {}
        }
    }
}

#[test]
fn edits_of_the_built_in_pack_are_found_again() {
    check(&pack(), 0x2545_f491_4f6c_dd1d);
}

impl Corpus<'_> {
    /// Edits of what one model's outputs are made from, with `adopt_for_models`: how many are recovered.
    fn try_edits_of_one_model(&self, count: usize, seed: u64) -> (usize, String) {
        let plan = Plan::new(&self.project, &Request::default());
        let before = texts(&plan).unwrap();
        let names: Vec<_> = self.project.library.project_names().cloned().collect();
        let mut numbers = Numbers(seed);
        let (mut done, mut recovered, mut missed) = (0, 0, String::new());
        while done < count {
            let name = &names[numbers.below(names.len())];
            let source = self.project.library.source(name).unwrap();
            let Some(edited) = random_edit(source, &mut numbers) else { continue };
            let Some(after) = self.rendered_with(&[(source.path.clone(), edited.clone())]) else { continue };
            let of_case = |number: &usize| matches!(plan.outputs[*number].subject, Subject::Case { .. });
            let differing: Vec<_> =
                (0..before.len()).filter(of_case).filter(|number| before[*number] != after[*number]).collect();
            if differing.is_empty() {
                continue;
            }
            done += 1;
            let output = differing[numbers.below(differing.len())];
            let adoption = adopt_for_models(&plan, &[EditedOutput { output, text: after[output].1.clone() }]).unwrap();
            let changed: Vec<_> = adoption.files.iter().map(|file| (file.path.clone(), file.text.clone())).collect();
            let rendered = self.rendered_with(&changed).unwrap();
            let is_others_kept = (0..before.len()).all(|number| {
                let is_same_model =
                    plan.subject_name(&plan.outputs[number]) == plan.subject_name(&plan.outputs[output]);
                is_same_model || rendered[number] == before[number]
            });
            assert!(is_others_kept, "another model changes");
            if adoption.adopted == [output] {
                assert_eq!(rendered[output], after[output], "what is adopted is as it was edited");
                recovered += 1;
            } else {
                let left = adoption.left.first();
                writeln!(missed, "{} of {}: {left:?}", plan.subject_name(&plan.outputs[output]), source.path).unwrap();
            }
        }
        (recovered, missed)
    }
}

#[test]
fn edits_of_one_model_become_a_template_of_its_own() {
    let files = MemoryFiles::from_fixture(include_str!("corpus.txt"));
    let (recovered, missed) = Corpus::new(&files).try_edits_of_one_model(edits(), 0x1234_5678_9abc_def1);
    println!("recovered {recovered} of {}\n{missed}", edits());
    assert!(recovered * 100 >= edits() * 90, "recovered {recovered}\n{missed}");
}

#[test]
fn edits_of_one_model_of_the_built_in_pack_become_a_template_of_its_own() {
    let (recovered, missed) = Corpus::new(&pack()).try_edits_of_one_model(edits(), 0x0fed_cba9_8765_4321);
    println!("recovered {recovered} of {}\n{missed}", edits());
    assert!(recovered * 100 >= edits() * 90, "recovered {recovered}\n{missed}");
}
