//! What tests of this room share: a project out of a fixture, with a cursor in one of its files.

use camino::Utf8PathBuf;

use crate::base::files::{Files, MemoryFiles};
use crate::config::{self, Origin};
use crate::lint::usage::Usage;
use crate::plan::Plan;
use crate::project::Project;
use crate::project::request::Request;
use crate::template::library::Pack;

/// A configuration with two suites over four models.
pub(crate) const CONFIG: &str = r#"-- tgen.toml --
templates = "templates"
pipeline-map = "map.json"

[placeholders]
organisation = "acme"

[[suite]]
name = "s"
template = "t.py.tera"
models = "all"
output = "out/test_{{ normalized_name }}.py"
-- map.json --
{
  "bert": ["fill-mask", "text-classification"],
  "llava": ["image-text-to-text"],
  "vit": ["image-classification", "image-feature-extraction", "zero-shot-image-classification"],
  "whisper": ["automatic-speech-recognition"]
}
"#;

static PACK: &Pack = &[];

/// Runs `ask` on a project with the files of a fixture; `$0` in one of them is the cursor. A fixture without files is the
/// template `t.py.tera`.
pub(crate) fn with_cursor<T>(fixture: &str, ask: impl FnOnce(&Usage<'_>, &Utf8PathBuf, usize) -> T) -> T {
    let files =
        if fixture.contains("-- ") { fixture.to_owned() } else { format!("-- templates/t.py.tera --\n{fixture}\n") };
    let files = if files.contains("-- tgen.toml --") { files } else { format!("{CONFIG}{files}") };
    let mut files = MemoryFiles::from_fixture(&files);
    let mut cursor = (Utf8PathBuf::from("templates/t.py.tera"), 0);
    for path in files.list("".into()).expect("the fixture has files") {
        let text = files.read_text(&path).expect("the fixture is text");
        if let Some(offset) = text.find("$0") {
            files.insert(path.clone(), text.replacen("$0", "", 1));
            cursor = (path, offset);
        }
    }
    let config = config::load(&files, Origin::TgenToml).expect("the fixture's configuration is valid");
    let project = Project::load(&files, config, PACK);
    let plan = Plan::new(&project, &Request::default());
    ask(&Usage::new(&project, &plan.planned), &cursor.0, cursor.1)
}
