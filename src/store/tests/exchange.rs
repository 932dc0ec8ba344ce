use std::fs;

use insta::assert_snapshot;
use tgen_core::model::hardware::HardwareType::{Cpu, Cuda, Rocm};
use tgen_core::template::Dialect;

use super::super::{Counts, Mapping, Mode, NewTemplate, Store};
use super::{Folder, message, template};

/// The whole content, as SQL shows it.
fn everything(folder: &Folder) -> Vec<Vec<Option<String>>> {
    let query = |sql| super::ask(folder.open(Mode::ReadOnly).unwrap(), sql).unwrap();
    let templates = query(
        "SELECT name, family, description, version, dialect, content, content_hash, added_at, hardware_type
             FROM templates JOIN template_versions USING (template_id) LEFT JOIN template_hardware USING (template_id)
             ORDER BY ALL",
    );
    let mappings = query(
        "SELECT model, m.family, name, m.description
             FROM model_mappings AS m LEFT JOIN templates USING (template_id) ORDER BY ALL",
    );
    [templates.rows, mappings.rows].concat()
}

fn filled(folder: &Folder) -> Store {
    let mut store = folder.store();
    for (name, hardware, content) in [
        ("Text", [].as_slice(), "a\r\n\0'ü'"),
        ("text", &[Cuda, Rocm], ""),
        ("../../x/\0\"'ü", &[Cpu], "c"),
        ("../../x/\0\"'ö", &[Cpu], "c"),
    ] {
        store.add_template(&template(name, "vision's", hardware, content)).unwrap();
    }
    let described =
        NewTemplate { description: Some("\"why\"\n"), dialect: Dialect::Tera, ..template("Text", "text", &[], "b") };
    store.add_template(&described).unwrap();
    let mapping = |model: &str, template: Option<&str>| Mapping {
        model: model.to_owned(),
        family: "x".to_owned(),
        template: template.map(str::to_owned),
        description: template.map(|_| "why".to_owned()),
    };
    store.set_mapping(&mapping("org/model", Some("Text"))).unwrap();
    store.set_mapping(&mapping("m\0", None)).unwrap();
    store
}

#[test]
fn an_export_imported_elsewhere_is_the_same() {
    let (here, there) = (Folder::new(), Folder::new());
    let store = filled(&here);
    let counts = store.export(&here.path().join("out")).unwrap();
    assert_eq!(counts, Counts { templates: 4, versions: 5, mappings: 2 });
    let mut copy = there.store();
    assert_eq!(copy.import(&here.path().join("out")).unwrap(), counts);
    assert_eq!(everything(&there), everything(&here));
    assert_eq!(copy.import(&here.path().join("out")).unwrap(), Counts::default());
    assert_eq!(everything(&there), everything(&here));

    copy.export(&there.path().join("out")).unwrap();
    let index = |folder: &Folder| fs::read_to_string(folder.path().join("out/index.json")).unwrap();
    assert_eq!(index(&there), index(&here));
    let names: Vec<_> =
        fs::read_dir(here.path().join("out/templates")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 4, "{names:?}");
}

#[test]
fn an_export_survives_a_checkout_that_changes_line_ends() {
    let texts = ["a\nb\n", "a\r\nb\r\n"];
    for (from, to) in [("\n", "\r\n"), ("\r\n", "\n")] {
        let (here, there) = (Folder::new(), Folder::new());
        let mut store = here.store();
        for (name, content) in ["one", "two"].into_iter().zip(texts) {
            store.add_template(&template(name, "text", &[], content)).unwrap();
        }
        store.export(&here.path().join("out")).unwrap();
        for name in ["one", "two"] {
            let file = here.path().join(format!("out/templates/{name}/1.dollar"));
            let unix = fs::read_to_string(&file).unwrap().replace("\r\n", "\n");
            fs::write(&file, if to == "\n" { unix } else { unix.replace(from, to) }).unwrap();
        }
        there.store().import(&here.path().join("out")).unwrap();
        assert_eq!(everything(&there), everything(&here));
    }
}

#[test]
fn what_an_import_lacks_is_added_and_what_it_contradicts_is_refused_whole() {
    let (here, there) = (Folder::new(), Folder::new());
    let store = filled(&here);
    store.export(&here.path().join("out")).unwrap();
    let mut copy = there.store();
    copy.import(&here.path().join("out")).unwrap();
    let mut store = store;
    store.add_template(&template("Text", "text", &[Cpu], "newer")).unwrap();
    store.export(&here.path().join("out")).unwrap();
    assert_eq!(copy.import(&here.path().join("out")).unwrap(), Counts { versions: 1, ..Counts::default() });
    assert_eq!(everything(&there), everything(&here));

    copy.add_template(&template("text", "text", &[], "mine")).unwrap();
    store.add_template(&template("a first one", "text", &[], "one")).unwrap();
    store.add_template(&template("text", "text", &[], "other")).unwrap();
    store.export(&here.path().join("out")).unwrap();
    let before = everything(&there);
    assert_snapshot!(message(&here, copy.import(&here.path().join("out"))), @"
    cannot import `[folder]/out/index.json`: template `text` is in the database with other versions; export or remove it first
    ");
    assert_eq!(everything(&there), before);
}

#[test]
fn an_export_replaces_only_an_earlier_export() {
    let folder = Folder::new();
    let mut store = filled(&folder);
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    store.export(&out).unwrap();
    let files = |name: &str| fs::read_dir(out.join("templates").join(name)).unwrap().count();
    assert_eq!(files("Text"), 2);
    store.remove_mapping("org/model").unwrap();
    store.remove_template("Text").unwrap();
    store.export(&out).unwrap();
    assert_eq!(files("Text"), 0);

    fs::remove_file(out.join("index.json")).unwrap();
    assert_snapshot!(message(&folder, store.export(&out)), @"
    `[folder]/out` holds something else; give `template export` a new or empty folder, or one it wrote before
    ");
    fs::write(out.join("index.json"), "{}").unwrap();
    assert_snapshot!(message(&folder, store.export(&out)), @"
    `[folder]/out` holds something else; give `template export` a new or empty folder, or one it wrote before
    ");
}

/// The error of an import after the index or a file of the export was edited.
#[track_caller]
fn import_edited(edit: impl FnOnce(String) -> String, content: Option<&str>) -> String {
    let (here, there) = (Folder::new(), Folder::new());
    let mut store = here.store();
    store.add_template(&template("a", "vision", &[Cpu], "text")).unwrap();
    let out = here.path().join("out");
    store.export(&out).unwrap();
    let index = fs::read_to_string(out.join("index.json")).unwrap();
    fs::write(out.join("index.json"), edit(index)).unwrap();
    if let Some(content) = content {
        fs::write(out.join("templates/a/1.dollar"), content).unwrap();
    }
    let mut copy = there.store();
    let message = message(&here, copy.import(&out));
    assert_eq!(copy.templates().unwrap(), []);
    message
}

#[test]
fn a_folder_that_is_no_export_or_was_edited_is_refused() {
    assert_snapshot!(import_edited(|index| index, Some("edited")), @"
    cannot import `[folder]/out/templates/a/1.dollar`: it is not what `index.json` says; if it was edited, add it with `template add`
    ");
    assert_snapshot!(import_edited(|_| "{".to_owned(), None), @"
    cannot import `[folder]/out/index.json`: EOF while parsing an object at line 1 column 1
    ");
    assert_snapshot!(import_edited(|index| index.replace("archive 1", "archive 2"), None), @"
    cannot import `[folder]/out/index.json`: its format is `cargo-tgen template archive 2`, not `cargo-tgen template archive 1`
    ");
    assert_snapshot!(import_edited(|index| index.replace("templates/a/1.dollar", "../1.dollar"), None), @"
    cannot import `[folder]/out/index.json`: the path `../1.dollar` leads out of the folder
    ");
    assert_snapshot!(import_edited(|index| index.replace("templates/a/1.dollar", "/etc/passwd"), None), @"
    cannot import `[folder]/out/index.json`: the path `/etc/passwd` leads out of the folder
    ");
    assert_snapshot!(import_edited(|index| index.replace("a/1.dollar", "b/1.dollar"), None), @"
    cannot import `[folder]/out/templates/b/1.dollar`: it does not exist
    ");
    assert_snapshot!(import_edited(|index| index.replace("\"cpu\"", "\"tpu\""), None), @"
    template `a` is for the hardware type `tpu`, which this cargo-tgen does not know
    ");
    let folder = Folder::new();
    assert_snapshot!(message(&folder, folder.store().import(folder.path())), @"
    cannot import `[folder]/index.json`: it does not exist
    ");
}
