//! The documents: links between them lead somewhere.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[test]
fn links_between_documents_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut documents = Vec::new();
    find_documents(root, &mut documents);
    let links: Vec<(&PathBuf, String)> =
        documents.iter().flat_map(|document| links(document).into_iter().map(move |link| (document, link))).collect();
    assert!(links.len() > 50, "only {} links were found", links.len());
    let broken: Vec<String> = links
        .iter()
        .filter(|(document, link)| !leads_somewhere(document, link))
        .map(|(document, link)| format!("{}: {link}", document.strip_prefix(root).unwrap().display()))
        .collect();
    assert!(broken.is_empty(), "these links lead nowhere:\n{}", broken.join("\n"));
}

fn find_documents(folder: &Path, documents: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let is_made_by_tools =
            ["target", "node_modules", "dist", "test_output", ".git"].contains(&name) || name.starts_with(".venv");
        if path.is_dir() && !is_made_by_tools {
            find_documents(&path, documents);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            documents.push(path);
        }
    }
}

/// The targets of a document's links that are not addresses on the web.
fn links(document: &Path) -> Vec<String> {
    let text = without_code(&std::fs::read_to_string(document).unwrap());
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    targets.map(|(target, _)| target.to_owned()).filter(|target| !target.contains("://")).collect()
}

/// The text outside of code blocks, where brackets are no links.
fn without_code(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

fn leads_somewhere(document: &Path, link: &str) -> bool {
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let target = if path.is_empty() { document.to_owned() } else { document.parent().unwrap().join(path) };
    target.exists() && anchor.is_none_or(|anchor| anchors(&target).contains(anchor))
}

/// The anchors that GitHub gives to a document's headings.
fn anchors(document: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(document).unwrap();
    let headings = text.lines().filter_map(|line| line.strip_prefix('#')?.trim_start_matches('#').strip_prefix(' '));
    headings
        .map(|heading| {
            let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}
