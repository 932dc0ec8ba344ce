//! The imports of a crate's files, read with `syn`. Tests and re-exports are ignored: a test may import rooms that use
//! its own, and a `mod.rs` that re-exports its parts does not depend on them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, UseTree, Visibility};

/// An import of one file by another; both paths are relative to the source folder, with `/` as separator.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Import {
    pub(crate) from: String,
    pub(crate) to: String,
}

/// The imports of all files below a source folder, without duplicates; `except` names folders to skip.
pub(crate) fn imports_below(folder: &Path, except: &[&str]) -> Vec<Import> {
    let mut files = BTreeMap::new();
    collect(folder, "", except, &mut files);
    let mut imports: Vec<Import> = files
        .iter()
        .flat_map(|(module, (file, text))| {
            let mut paths = Paths { module: module.clone(), files: &files, found: Vec::new() };
            paths.visit_file(&syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}")));
            let target = |path: &Vec<String>| longest(path, &files);
            paths.found.iter().filter_map(target).map(|to| Import { from: file.clone(), to }).collect::<Vec<_>>()
        })
        .filter(|import| import.from != import.to)
        .collect();
    imports.sort();
    imports.dedup();
    imports
}

/// Module path to file and text.
type Modules = BTreeMap<Vec<String>, (String, String)>;

fn collect(folder: &Path, below: &str, except: &[&str], files: &mut Modules) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_str().unwrap();
        let relative = format!("{below}{name}");
        if path.is_dir() && !except.contains(&relative.as_str()) && name != "tests" {
            collect(&path, &format!("{relative}/"), except, files);
        } else if let Some(stem) = name.strip_suffix(".rs").filter(|stem| !is_test(stem)) {
            let mut module: Vec<String> = below.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
            if !matches!((stem, below), ("mod", _) | ("lib" | "main", "")) {
                module.push(stem.to_owned());
            }
            files.insert(module, (relative, fs::read_to_string(&path).unwrap()));
        }
    }
}

fn is_test(stem: &str) -> bool {
    stem == "tests" || stem.ends_with("_tests") || stem == "fixture"
}

/// The file of the module whose path is the longest prefix of `path`.
fn longest(path: &[String], files: &Modules) -> Option<String> {
    let known = (1..=path.len()).rev().find_map(|length| files.get(&path[..length]));
    known.map(|(file, _)| file.clone())
}

/// Collects the paths in a file that refer to its own crate.
struct Paths<'f> {
    module: Vec<String>,
    files: &'f Modules,
    found: Vec<Vec<String>>,
}

impl Paths<'_> {
    /// The absolute path of a module or item; `None` if it is outside the crate.
    fn resolve(&self, path: &[String]) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        let mut base = match first.as_str() {
            "crate" => Vec::new(),
            "self" => self.module.clone(),
            "super" => self.module.split_last()?.1.to_vec(),
            child => {
                let child = [self.module.as_slice(), &[child.to_owned()]].concat();
                if !self.files.contains_key(&child) {
                    return None;
                }
                child
            }
        };
        for part in rest {
            if part == "super" {
                base.pop();
            } else {
                base.push(part.clone());
            }
        }
        Some(base)
    }

    fn add(&mut self, path: &[String]) {
        self.found.extend(self.resolve(path));
    }

    fn add_tree(&mut self, tree: &UseTree, path: &mut Vec<String>) {
        match tree {
            UseTree::Path(step) => {
                path.push(step.ident.to_string());
                self.add_tree(&step.tree, path);
                path.pop();
            }
            UseTree::Name(name) => self.add_leaf(&name.ident.to_string(), path),
            UseTree::Rename(name) => self.add_leaf(&name.ident.to_string(), path),
            UseTree::Glob(_) => self.add(path),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.add_tree(tree, path)),
        }
    }

    fn add_leaf(&mut self, name: &str, path: &mut Vec<String>) {
        if name == "self" {
            return self.add(path);
        }
        path.push(name.to_owned());
        self.add(path);
        path.pop();
    }
}

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Mod(ItemMod { attrs, .. }) | Item::Use(ItemUse { attrs, .. }) => attrs.as_slice(),
            Item::Fn(function) => &function.attrs,
            Item::Impl(block) => &block.attrs,
            _ => &[],
        };
        if !attributes.iter().any(is_for_tests) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if matches!(item.vis, Visibility::Inherited) {
            self.add_tree(&item.tree, &mut Vec::new());
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.add(&parts);
        visit::visit_path(self, path);
    }
}

fn is_for_tests(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
}
