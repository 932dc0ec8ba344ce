//! Holds the imports of the source against the tables of rooms in ARCHITECTURE.md: the arrows between rooms are exactly
//! those of the tables, none points up, and files import each other in a circle only where the page says why. And every
//! source file that the page names is there.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use self::source::{Import, imports_below};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The rooms of one package, as its table has them: each with the rooms that it imports.
type Table = Vec<(String, BTreeSet<String>)>;

#[test]
fn the_arrows_between_the_rooms_of_core_are_those_of_the_table() {
    check("src/core/src", &[], "Rooms of `tgen-core`");
}

#[test]
fn the_arrows_between_the_rooms_of_the_binary_are_those_of_the_table() {
    check("src", &["core"], "Rooms of `cargo-tgen`");
}

#[test]
fn a_room_imports_only_rooms_that_stand_above_it_in_the_table() {
    for heading in ["Rooms of `tgen-core`", "Rooms of `cargo-tgen`"] {
        let mut above = BTreeSet::new();
        for (room, imports) in table(heading) {
            let up: Vec<_> = imports.difference(&above).collect();
            assert!(up.is_empty(), "`{room}` imports {up:?}, which do not stand above it in \"{heading}\"");
            above.insert(room);
        }
    }
}

#[test]
fn files_import_each_other_in_a_circle_only_where_the_page_says_why() {
    let mut found = BTreeSet::new();
    for (folder, except) in [("src/core/src", &[][..]), ("src", &["core"][..]), ("lsp/src", &[][..])] {
        for circle in circles(&imports_below(&Path::new(ROOT).join(folder), except)) {
            let files: Vec<_> = circle.iter().map(|file| format!("{folder}/{file}")).collect();
            found.insert(files.join(", "));
        }
    }
    let excused: BTreeSet<String> = section("Circles of files")
        .lines()
        .filter_map(|line| line.strip_prefix("- "))
        .map(|line| line.split('`').skip(1).step_by(2).collect::<Vec<_>>().join(", "))
        .collect();
    assert_eq!(found, excused, "left: the circles of the source; right: those that ARCHITECTURE.md gives a reason for");
}

#[test]
fn every_source_file_that_the_page_names_is_there() {
    let mut files = Vec::new();
    for folder in ["benches", "lsp", "src", "templates", "tests", "xtask"] {
        collect(&Path::new(ROOT).join(folder), &mut files);
    }
    let page = fs::read_to_string(Path::new(ROOT).join("ARCHITECTURE.md")).unwrap();
    let is_source =
        |word: &&str| [".rs", ".py"].iter().any(|ending| word.ends_with(ending)) && !word.contains(['*', ' ']);
    let named: Vec<_> = page.split('`').skip(1).step_by(2).filter(is_source).collect();
    let missing = named.iter().filter(|name| !files.iter().any(|file| file.ends_with(name)));
    assert_eq!(missing.collect::<Vec<_>>(), Vec::<&&str>::new(), "ARCHITECTURE.md names files that are not there");
    assert!(named.len() > 100);
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}

#[track_caller]
fn check(folder: &str, except: &[&str], heading: &str) {
    let table = table(heading);
    let rooms: BTreeSet<&String> = table.iter().map(|(room, _)| room).collect();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for Import { from, to } in imports_below(&Path::new(ROOT).join(folder), except) {
        let (from, to) = (room_of(&from), room_of(&to));
        if from != to && rooms.contains(&from) {
            found.entry(from).or_default().insert(to);
        }
    }
    let imported = table.iter().map(|(room, _)| (room.clone(), found.remove(room).unwrap_or_default()));
    assert_eq!(rows(imported.collect()), rows(table.clone()), "left: the source; right: the table \"{heading}\"");
}

/// One line for each room, so that a failed comparison is easy to read.
fn rows(table: Table) -> Vec<String> {
    let row = |(room, imports): (String, BTreeSet<String>)| {
        let imports: Vec<_> = imports.iter().map(|import| format!("`{import}`")).collect();
        format!("{room}: {}", imports.join(", "))
    };
    table.into_iter().map(row).collect()
}

/// The room of a file: the folder that it stands in, or the file itself.
fn room_of(file: &str) -> String {
    file.split('/').next().unwrap_or(file).trim_end_matches(".rs").to_owned()
}

/// The table under a heading of ARCHITECTURE.md.
fn table(heading: &str) -> Table {
    let rows = section(heading);
    let rows = rows.lines().filter_map(|line| line.strip_prefix("| `"));
    let table: Table = rows
        .map(|row| {
            let (room, rest) = row.split_once('`').unwrap();
            let imports = rest.trim_end().trim_end_matches('|').rsplit('|').next().unwrap_or_default();
            (room.to_owned(), imports.split('`').skip(1).step_by(2).map(str::to_owned).collect())
        })
        .collect();
    assert!(!table.is_empty(), "ARCHITECTURE.md has no table under \"{heading}\"");
    table
}

/// The text of ARCHITECTURE.md from a heading to the next.
fn section(heading: &str) -> String {
    let page = fs::read_to_string(Path::new(ROOT).join("ARCHITECTURE.md")).unwrap();
    let after = page.split_once(&format!("# {heading}\n")).unwrap_or_else(|| panic!("no heading \"{heading}\"")).1;
    after.split("\n#").next().unwrap_or_default().to_owned()
}

/// The groups of files that import each other in a circle, each sorted. The parts of a folder may use what its `mod.rs`
/// declares: that is no circle.
fn circles(imports: &[Import]) -> BTreeSet<Vec<String>> {
    let is_own_folder = |import: &&Import| {
        let folder = import.to.strip_suffix("mod.rs").or_else(|| import.to.strip_suffix(".rs"));
        folder.is_some_and(|folder| import.from.starts_with(&format!("{}/", folder.trim_end_matches('/'))))
    };
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for Import { from, to } in imports.iter().filter(|import| !is_own_folder(import)) {
        next.entry(from).or_default().insert(to);
    }
    let reachable: BTreeMap<&str, BTreeSet<&str>> = next.keys().map(|file| (*file, reached(file, &next))).collect();
    let reaches = |from: &str, to: &str| reachable.get(from).is_some_and(|files| files.contains(to));
    let on_circles = reachable.keys().filter(|file| reaches(file, file));
    let circle = |file: &&str| {
        let others = reachable[*file].iter().filter(|other| reaches(other, file));
        others.map(|other| (*other).to_owned()).collect::<Vec<_>>()
    };
    on_circles.map(circle).collect()
}

fn reached<'i>(file: &str, next: &BTreeMap<&'i str, BTreeSet<&'i str>>) -> BTreeSet<&'i str> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&str> = next.get(file).into_iter().flatten().copied().collect();
    while let Some(file) = open.pop() {
        if found.insert(file) {
            open.extend(next.get(file).into_iter().flatten());
        }
    }
    found
}
