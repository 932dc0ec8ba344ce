use insta::assert_snapshot;
use tgen_core::model::hardware::HardwareType::{self, Cpu, Cuda, Rocm};
use tgen_core::template::Dialect;

use super::super::{Added, Mapped, Mapping, Mode, NewTemplate, Store};
use super::{Folder, message, template};

/// Name, family, hardware types, description, version.
fn listed(store: &Store) -> String {
    let line = |template: &super::super::Template| {
        let hardware: Vec<_> = template.hardware.iter().map(|hardware| hardware.name()).collect();
        let description = template.description.as_deref().unwrap_or("-");
        let version = template.newest.number;
        format!("{} {} [{}] {description} {version}", template.name, template.family, hardware.join(" "))
    };
    store.templates().unwrap().iter().map(line).collect::<Vec<_>>().join("\n")
}

fn mapping(model: &str, family: &str, template: Option<&str>, description: Option<&str>) -> Mapping {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Mapping { model: model.into(), family: family.into(), template: owned(template), description: owned(description) }
}

#[test]
fn a_text_is_a_new_version_only_where_it_differs_from_the_newest() {
    let folder = Folder::new();
    let mut store = folder.store();
    let mut add = |content| store.add_template(&template("a", "vision", &[], content)).unwrap();
    assert_eq!(add("one"), Added::Created);
    assert_eq!(add("one"), Added::Unchanged(1));
    assert_eq!(add("two"), Added::NewVersion(2));
    assert_eq!(add("one"), Added::NewVersion(3));
    let in_tera = NewTemplate { dialect: Dialect::Tera, ..template("a", "vision", &[], "one") };
    assert_eq!(store.add_template(&in_tera).unwrap(), Added::NewVersion(4));

    let text = |version| store.text("a", version).unwrap().content;
    assert_eq!([text(Some(1)), text(Some(2)), text(None)], ["one", "two", "one"]);
    let history = store.history("a").unwrap();
    assert_eq!(history.iter().map(|version| version.number).collect::<Vec<_>>(), [4, 3, 2, 1]);
    assert!(history.is_sorted_by(|newer, older| newer.added_at >= older.added_at));
    assert_eq!((history[0].dialect, history[1].dialect), (Dialect::Tera, Dialect::Dollar));
    assert_eq!((history[0].content_hash.as_str(), history[0].size), (blake3::hash(b"one").to_hex().as_str(), 3));
}

#[test]
fn what_is_said_of_a_template_can_change_without_a_new_version() {
    let folder = Folder::new();
    let mut store = folder.store();
    let described = NewTemplate { description: Some("first"), ..template("a", "vision", &[Cuda], "text") };
    store.add_template(&described).unwrap();
    let mut add = |new: &NewTemplate<'_>| store.add_template(new).unwrap();
    assert_eq!(add(&template("a", "vision", &[Cuda], "text")), Added::Unchanged(1));
    assert_eq!(add(&template("a", "vision", &[Rocm, Cuda], "text")), Added::Redescribed(1));
    assert_eq!(add(&template("a", "audio", &[Rocm], "text")), Added::Redescribed(1));
    assert_eq!(add(&NewTemplate { description: Some("it's new"), ..template("b", "audio", &[], "b") }), Added::Created);
    assert_eq!(add(&template("b", "audio", &[Cpu], "c")), Added::NewVersion(2));
    assert_snapshot!(listed(&store), @r"
    a audio [rocm] first 1
    b audio [cpu] it's new 2
    ");
}

#[test]
fn every_value_comes_back_byte_for_byte() {
    let large = "x\u{1F980}\n".repeat(1_000_000);
    let contents =
        ["", "'; DROP TABLE templates; --", "a\0b", "\u{feff}\r\n\t\"${x}\"", "{{ x }} 'ü' \u{10FFFF}", &large];
    let folder = Folder::new();
    for (at, content) in contents.iter().enumerate() {
        let name = format!("{at} {}", content.chars().take(30).collect::<String>());
        let new = NewTemplate { description: Some(&name), ..template(&name, &name, &[], content) };
        folder.store().add_template(&new).unwrap();
        folder.store().set_mapping(&mapping(&name, &name, Some(&name), Some(&name))).unwrap();

        let store = folder.open(Mode::ReadOnly).unwrap();
        assert!(store.text(&name, None).unwrap().content == *content, "{at}");
        let stored = store.template(&name).unwrap();
        assert_eq!((&stored.name, &stored.family, stored.description.as_ref()), (&name, &name, Some(&name)));
        assert_eq!(stored.newest.size, content.len() as u64);
        assert!(store.mappings().unwrap().contains(&mapping(&name, &name, Some(&name), Some(&name))));
    }
    assert_eq!(folder.store().templates().unwrap().len(), contents.len());
}

#[test]
fn a_name_that_is_not_there_brings_what_may_have_been_meant() {
    let folder = Folder::new();
    let mut store = folder.store();
    store.add_template(&template("vision", "vision", &[], "text")).unwrap();
    assert_snapshot!(message(&folder, store.template("vison")), @"there is no template `vison`; did you mean `vision`?");
    assert_snapshot!(message(&folder, store.text("x", None)), @"there is no template `x`; there is `vision`");
    assert_snapshot!(message(&folder, store.text("vision", Some(2))), @"template `vision` has no version 2; its newest is 1");
    assert_snapshot!(message(&folder, store.remove_template("visio")), @"there is no template `visio`; did you mean `vision`?");
    assert_snapshot!(message(&folder, store.remove_mapping("bert")), @"there is no model mapping `bert`");
    let unknown = mapping("bert", "vision", Some("nothing"), None);
    assert_snapshot!(message(&folder, store.set_mapping(&unknown)), @"there is no template `nothing`; there is `vision`");
    assert_eq!(store.mappings().unwrap(), []);
}

#[test]
fn a_removed_template_is_gone_and_its_name_begins_anew() {
    let folder = Folder::new();
    let mut store = folder.store();
    store.add_template(&template("a", "vision", &[Cuda], "one")).unwrap();
    store.add_template(&template("a", "vision", &[Cuda], "two")).unwrap();
    store.remove_template("a").unwrap();
    assert_eq!(listed(&store), "");
    assert_eq!(store.add_template(&template("a", "audio", &[Cpu], "three")).unwrap(), Added::Created);
    assert_eq!(listed(&store), "a audio [cpu] - 1");
}

#[test]
fn a_removal_that_was_cut_short_counts_as_done() {
    let folder = Folder::new();
    let mut store = folder.store();
    let new = NewTemplate { description: Some("old"), ..template("a", "vision", &[Cuda], "one") };
    store.add_template(&new).unwrap();
    store
        .connection
        .execute_batch(
            "DELETE FROM template_versions; DELETE FROM template_hardware; UPDATE templates SET current_version = NULL, description = NULL",
        )
        .unwrap();
    assert_eq!(listed(&store), "");
    assert!(store.template("a").is_err());
    assert_eq!(store.add_template(&template("a", "audio", &[Cpu], "one")).unwrap(), Added::Created);
    assert_eq!(listed(&store), "a audio [cpu] - 1");
}

#[test]
fn a_template_that_a_mapping_names_stays() {
    let folder = Folder::new();
    let mut store = folder.store();
    store.add_template(&template("a", "vision", &[], "one")).unwrap();
    store.set_mapping(&mapping("bert", "vision", Some("a"), None)).unwrap();
    store.set_mapping(&mapping("vit", "vision", Some("a"), None)).unwrap();
    assert_snapshot!(
        message(&folder, store.remove_template("a")),
        @"template `a` is the own template of `bert`, `vit`; remove or change these mappings first"
    );
    store.remove_mapping("bert").unwrap();
    store.set_mapping(&mapping("vit", "vision", None, None)).unwrap();
    store.remove_template("a").unwrap();
    assert_eq!(store.mappings().unwrap(), [mapping("vit", "vision", None, None)]);
}

#[test]
fn a_mapping_is_added_once_and_then_updated() {
    let folder = Folder::new();
    let mut store = folder.store();
    store.add_template(&template("a", "vision", &[], "one")).unwrap();
    let mut set =
        |family, template, description| store.set_mapping(&mapping("m", family, template, description)).unwrap();
    assert_eq!(set("vision", None, Some("why")), Mapped::Created);
    assert_eq!(set("vision", None, None), Mapped::Unchanged);
    assert_eq!(set("audio", Some("a"), None), Mapped::Updated);
    assert_eq!(set("audio", Some("a"), Some("else")), Mapped::Updated);
    assert_eq!(store.mappings().unwrap(), [mapping("m", "audio", Some("a"), Some("else"))]);
}

#[test]
fn the_tables_refuse_what_must_not_be() {
    let folder = Folder::new();
    let mut store = folder.store();
    assert!(store.add_template(&template("", "vision", &[], "x")).is_err());
    assert!(store.add_template(&template("a", "", &[], "x")).is_err());
    store.add_template(&template("a", "vision", &[], "x")).unwrap();
    for statement in [
        "INSERT INTO template_versions VALUES (77, 1, 'tera', '', repeat('0', 64), now())",
        "INSERT INTO template_versions SELECT template_id, 1, 'tera', '', repeat('0', 64), now() FROM templates",
        "INSERT INTO template_versions SELECT template_id, 2, 'jinja', '', repeat('0', 64), now() FROM templates",
        "INSERT INTO templates (name, family) VALUES ('a', 'audio')",
        "INSERT INTO model_mappings VALUES ('m', 'vision', 77, NULL)",
        "DELETE FROM templates",
    ] {
        assert!(store.connection.execute_batch(statement).is_err(), "{statement}");
    }
}

#[test]
fn a_hardware_type_of_a_later_release_is_named() {
    let folder = Folder::new();
    let mut store = folder.store();
    store.add_template(&template("a", "vision", HardwareType::ALL, "x")).unwrap();
    assert_eq!(store.template("a").unwrap().hardware, HardwareType::ALL);
    store.connection.execute_batch("INSERT INTO template_hardware SELECT template_id, 'tpu' FROM templates").unwrap();
    assert_snapshot!(
        message(&folder, store.templates()),
        @"template `a` is for the hardware type `tpu`, which this cargo-tgen does not know"
    );
}
