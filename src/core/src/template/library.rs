//! The templates of a project: its own folder as an overlay over the built-in pack.
//!
//! The library finds and reads templates. It must not know their syntax.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};

use super::analysis::{self, Analysis};
use super::graph::Graph;
use super::syntax::{self, Reparsed, tree::Tree};
use super::{Dialect, TemplateName};
use crate::base::files::{self, Files};
use crate::base::problem::{Code, Problem};
use crate::base::suggest::KnownNames;
use crate::base::text::{LineIndex, columns_to_bytes, with_unix_line_ends};
use crate::base::text_path::TextPath;

/// The largest template that is read, in bytes.
const LARGEST_TEMPLATE: usize = 8 * 1024 * 1024;
/// The most placeholders and tags of a template that is read: each takes up to three kilobytes, half of them in Tera.
const MOST_TAGS: usize = 250_000;

/// The built-in templates: name and text.
pub type Pack = [(&'static str, &'static str)];

/// The templates of a project.
#[derive(Clone)]
pub struct Library<'f> {
    files: &'f dyn Files,
    pack: &'static Pack,
    /// The project's own folder.
    folder: Option<Arc<Utf8Path>>,
    entries: BTreeMap<TemplateName, Arc<Entry>>,
    derived: Derived,
}

/// What follows from the templates, computed on first use.
#[derive(Clone, Default)]
struct Derived {
    /// How the templates refer to each other.
    graph: OnceLock<Graph>,
    /// The names, for suggestions.
    known_names: OnceLock<KnownNames>,
    /// The names by path. (As strings: `Utf8Path` compares component by component, which is slow for thousands.)
    by_path: OnceLock<HashMap<String, TemplateName>>,
}

/// A template's text and path, and its tree and analysis, which are computed on first use.
#[derive(Debug, Clone)]
pub struct Source {
    /// The path as the user would name it; see [`TextPath`].
    pub path: Utf8PathBuf,
    /// The whole text.
    pub text: String,
    /// The lines of the text.
    pub lines: LineIndex,
    dialect: Dialect,
    tree: OnceLock<Tree>,
    analysis: OnceLock<Analysis>,
    /// The elements that define components, by the components' names.
    pub(super) components: OnceLock<HashMap<String, usize>>,
    previous: Previous,
}

struct Entry {
    path: Utf8PathBuf,
    built_in: Option<&'static str>,
    source: OnceLock<Result<Source, Problem>>,
    previous: Previous,
}

/// A text with its tree, and its analysis if there is one.
struct Parsed {
    text: String,
    tree: Tree,
    analysis: Option<Analysis>,
}

/// The entry before an edit, whose tree speeds up parsing the new text. It is dropped after that; clones of a source do
/// not have it.
#[derive(Default)]
struct Previous(Mutex<Option<Arc<Entry>>>);

impl<'f> Library<'f> {
    /// The templates of `folder` laid over the built-in pack.
    ///
    /// # Errors
    /// When the folder is named but cannot be listed.
    pub fn new(files: &'f dyn Files, folder: Option<&Utf8Path>, pack: &'static Pack) -> io::Result<Self> {
        let mut library = Self::built_in(files, pack);
        if let Some(folder) = folder {
            library.folder = Some(Arc::from(folder));
            for path in files.list(folder)? {
                let name = TemplateName::at(path.strip_prefix(folder).unwrap_or(&path));
                library.entries.insert(name, Arc::new(Entry::on_disk(path)));
            }
            for (name, text) in pack {
                library.hide(&TemplateName::new(*name), text);
            }
        }
        Ok(library)
    }

    /// The built-in pack alone.
    #[must_use]
    pub fn built_in(files: &'f dyn Files, pack: &'static Pack) -> Self {
        let entries = pack.iter().map(|(name, text)| (TemplateName::new(*name), Entry::built_in(name, text)));
        let entries = entries.map(|(name, entry)| (name, Arc::new(entry))).collect();
        Self { files, pack, folder: None, entries, derived: Derived::default() }
    }

    /// The same templates, read through `files` from now on; templates that were read already are kept.
    #[must_use]
    pub fn on<'g>(&self, files: &'g dyn Files) -> Library<'g> {
        let (folder, entries) = (self.folder.clone(), self.entries.clone());
        Library { files, pack: self.pack, folder, entries, derived: Derived::default() }
    }

    /// Drops the cached text of a project's template that was created, changed or deleted.
    pub fn reread(&mut self, name: TemplateName, path: &Utf8Path) {
        let in_pack = self.in_pack(&name);
        let entry = if self.files.is_file(path) {
            Some(Entry::on_disk(path.to_owned()))
        } else {
            in_pack.map(|(name, text)| Entry::built_in(name, text))
        };
        self.derived = Derived::default();
        let Some(entry) = entry else {
            self.entries.remove(&name);
            return;
        };
        let previous = Previous(Mutex::new(self.entries.get(&name).and_then(Entry::last_parsed)));
        self.entries.insert(name, Arc::new(Entry { previous, ..entry }));
        if let Some((name, text)) = in_pack {
            self.hide(&TemplateName::new(*name), text);
        }
    }

    /// A library with one text that is not from a file.
    #[must_use]
    pub fn of_text(name: &TemplateName, text: &str) -> Library<'static> {
        let mut library = Self::of_texts();
        library.add(name.clone(), Utf8PathBuf::from(name.as_str()), text);
        library
    }

    /// An empty library, to which texts are added one by one.
    #[must_use]
    pub fn of_texts() -> Library<'static> {
        Library { files: &NoFiles, pack: &[], folder: None, entries: BTreeMap::new(), derived: Derived::default() }
    }

    /// Adds a template that is not from a file of the project.
    pub fn add(&mut self, name: TemplateName, path: Utf8PathBuf, text: &str) {
        self.derived = Derived::default();
        let source = OnceLock::from(Ok(Source::new(path.clone(), name.dialect(), text)));
        self.entries.insert(name, Arc::new(Entry { path, built_in: None, source, previous: Previous::default() }));
    }

    /// Resolves a problem that names a template, with columns in characters, to a place in the template's file.
    #[must_use]
    pub fn locate(&self, mut problem: Problem) -> Problem {
        let named = problem.path.as_ref().map(|path| TemplateName::new(path.as_str()));
        if let Some(Ok(source)) = named.filter(|name| self.contains(name)).map(|name| self.source(&name)) {
            problem.path = Some(source.path.clone());
            problem.range = problem.range.map(|range| columns_to_bytes(&source.text, range));
        }
        problem
    }

    /// Whether there is a template of that name.
    #[must_use]
    pub fn contains(&self, name: &TemplateName) -> bool {
        self.entries.contains_key(name)
    }

    /// Whether there is a template of that name, or a link in the place of one that leads to nothing that can be read.
    #[must_use]
    pub fn is_expected(&self, name: &TemplateName) -> bool {
        self.contains(name) || self.obstacle(name).is_some()
    }

    /// A link in the place of a built-in template is the project's own template, which cannot be read.
    fn hide(&mut self, name: &TemplateName, text: &'static str) {
        let is_built_in = self.entries.get(name).is_some_and(|entry| entry.built_in.is_some());
        if let Some(problem) = self.obstacle(name).filter(|_| is_built_in) {
            let entry = Entry { source: OnceLock::from(Err(problem)), ..Entry::built_in(name.as_str(), text) };
            self.entries.insert(name.clone(), Arc::new(entry));
        }
    }

    /// The problem of a link in the project's folder that hides a template.
    fn obstacle(&self, name: &TemplateName) -> Option<Problem> {
        let folder = self.folder.as_deref()?;
        let path = folder.join(name.as_str());
        Some(unreadable(&path, &files::reason(&self.files.obstacle(folder, &path)?)))
    }

    /// The path of a template, as the user would name it.
    #[must_use]
    pub fn path_of(&self, name: &TemplateName) -> Option<&Utf8Path> {
        self.entries.get(name).map(|entry| entry.path.as_path())
    }

    /// The text of the template at a path, if it has been read.
    #[must_use]
    pub fn text_of(&self, path: &Utf8Path) -> Option<String> {
        let source = self.entry_at(path)?.1.source.get()?;
        source.as_ref().ok().map(|source| source.text.clone())
    }

    /// The template at a path, if it can be read.
    #[must_use]
    pub fn source_at(&self, path: &Utf8Path) -> Option<&Source> {
        let (name, entry) = self.entry_at(path)?;
        entry.source(self.files, name).as_ref().ok()
    }

    fn entry_at(&self, path: &Utf8Path) -> Option<(&TemplateName, &Arc<Entry>)> {
        let path_and_name =
            |(name, entry): (&TemplateName, &Arc<Entry>)| (entry.path.as_str().to_owned(), name.clone());
        // The first of two names with one path stands last here, and so in the map.
        let by_path = self.derived.by_path.get_or_init(|| self.entries.iter().rev().map(path_and_name).collect());
        self.entries.get_key_value(by_path.get(path.as_str())?)
    }

    /// The text of a name in the built-in pack.
    #[must_use]
    pub fn built_in_text(&self, name: &TemplateName) -> Option<&'static str> {
        self.in_pack(name).map(|(_, text)| *text)
    }

    fn in_pack(&self, name: &TemplateName) -> Option<&'static (&'static str, &'static str)> {
        self.pack.iter().find(|(known, _)| *known == name.as_str())
    }

    /// Every template that can be read.
    pub(super) fn sources(&self) -> impl Iterator<Item = (&TemplateName, &Source)> {
        self.entries.iter().filter_map(|(name, entry)| Some((name, entry.source(self.files, name).as_ref().ok()?)))
    }

    /// How the templates refer to each other.
    pub(super) fn graph(&self) -> &Graph {
        self.derived.graph.get_or_init(|| Graph::of(self.sources().map(|(name, source)| (name, source.analysis()))))
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &TemplateName> + Clone {
        self.entries.keys()
    }

    /// The names of the project's own templates, sorted.
    pub fn project_names(&self) -> impl Iterator<Item = &TemplateName> {
        self.entries.iter().filter(|(_, entry)| entry.built_in.is_none()).map(|(name, _)| name)
    }

    /// The text of a template, read on the first call.
    ///
    /// # Errors
    /// A problem that names the template, if it does not exist or cannot be read.
    pub fn source(&self, name: &TemplateName) -> Result<&Source, Problem> {
        let Some(entry) = self.entries.get(name) else {
            return Err(self.obstacle(name).unwrap_or_else(|| self.missing(name)));
        };
        entry.source(self.files, name).as_ref().map_err(Clone::clone)
    }

    fn missing(&self, name: &TemplateName) -> Problem {
        let problem = Problem::error(Code::MissingTemplate, format!("there is no template `{name}`"));
        match self.did_you_mean(name) {
            Some(help) => problem.help(help),
            None => problem,
        }
    }

    /// The template that a missing name may stand for, as help.
    #[must_use]
    pub fn did_you_mean(&self, name: &TemplateName) -> Option<String> {
        let known = self.derived.known_names.get_or_init(|| KnownNames::of(self.names().map(TemplateName::as_str)));
        known.did_you_mean(name.as_str())
    }
}

impl Entry {
    fn built_in(name: &str, text: &'static str) -> Self {
        Self { built_in: Some(text), ..Self::on_disk(TextPath::BuiltIn(name).to_path()) }
    }

    fn on_disk(path: Utf8PathBuf) -> Self {
        Self { path, built_in: None, source: OnceLock::new(), previous: Previous::default() }
    }

    fn source(&self, files: &dyn Files, name: &TemplateName) -> &Result<Source, Problem> {
        self.source.get_or_init(|| self.read(files, name.dialect()))
    }

    fn read(&self, files: &dyn Files, dialect: Dialect) -> Result<Source, Problem> {
        let text = match self.built_in {
            Some(text) => text.to_owned(),
            None => files.read_text(&self.path).map_err(|error| unreadable(&self.path, &files::reason(&error)))?,
        };
        if let Some(reason) = excess(&text, dialect) {
            return Err(unreadable(&self.path, &reason));
        }
        let previous = Previous(Mutex::new(self.previous.take()));
        Ok(Source { previous, ..Source::of(self.path.clone(), dialect, text) })
    }

    /// This entry or its predecessor, whichever was parsed last.
    fn last_parsed(self: &Arc<Self>) -> Option<Arc<Self>> {
        match self.source.get() {
            Some(Ok(source)) if source.tree.get().is_some() => Some(Arc::clone(self)),
            Some(Ok(source)) => source.previous.take(),
            Some(Err(_)) => None,
            None => self.previous.take(),
        }
    }

    /// What is derived from the text, cloned if another snapshot still shares it.
    fn into_parsed(self: Arc<Self>) -> Option<Parsed> {
        match Arc::try_unwrap(self) {
            Ok(entry) => {
                let Source { text, tree, analysis, .. } = entry.source.into_inner()?.ok()?;
                Some(Parsed { text, tree: tree.into_inner()?, analysis: analysis.into_inner() })
            }
            Err(entry) => {
                let Source { text, tree, analysis, .. } = entry.source.get()?.as_ref().ok()?;
                Some(Parsed { text: text.clone(), tree: tree.get()?.clone(), analysis: analysis.get().cloned() })
            }
        }
    }
}

/// Why a template would take too much memory.
fn excess(text: &str, dialect: Dialect) -> Option<String> {
    if text.len() > LARGEST_TEMPLATE {
        return Some(format!("it is larger than {} MiB", LARGEST_TEMPLATE / (1024 * 1024)));
    }
    let begins = |pair: &&[u8]| match dialect {
        Dialect::Tera => matches!(*pair, b"{{" | b"{%"),
        Dialect::Dollar => *pair == b"${",
    };
    // Each begins with two bytes, so a shorter text need not be searched.
    let may_be_too_many = text.len() / 2 > MOST_TAGS;
    let are_too_many = may_be_too_many && text.as_bytes().windows(2).filter(begins).count() > MOST_TAGS;
    are_too_many.then(|| format!("it has more than {MOST_TAGS} placeholders and tags"))
}

fn unreadable(path: &Utf8Path, reason: &str) -> Problem {
    Problem::error(Code::UnreadableFile, format!("cannot read the template `{path}`: {reason}")).in_file(path)
}

impl Previous {
    fn take(&self) -> Option<Arc<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Clone for Previous {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl fmt::Debug for Previous {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Previous")
    }
}

impl Source {
    /// A text and the path it came from.
    #[must_use]
    pub fn new(path: Utf8PathBuf, dialect: Dialect, text: &str) -> Self {
        Self::of(path, dialect, text.to_owned())
    }

    fn of(path: Utf8PathBuf, dialect: Dialect, text: String) -> Self {
        let marked = text.strip_prefix('\u{feff}');
        // A checkout with `core.autocrlf` must not change what a template captures.
        let text = match with_unix_line_ends(marked.unwrap_or(&text)) {
            Cow::Borrowed(_) if marked.is_none() => text,
            text => text.into_owned(),
        };
        let (tree, analysis, components) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        let previous = Previous::default();
        Self { lines: LineIndex::new(&text), text, path, dialect, tree, analysis, components, previous }
    }

    /// The dialect, determined by the template's name.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The syntax tree; empty for a `${}` template.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        self.tree.get_or_init(|| match self.dialect {
            Dialect::Tera => match self.previous.take().and_then(Entry::into_parsed) {
                Some(before) => self.tree_after(before),
                None => syntax::parse(&self.text),
            },
            Dialect::Dollar => Tree::default(),
        })
    }

    /// The syntax tree after an edit. If the edit leaves most of the analysis as it was, that is carried over too.
    fn tree_after(&self, before: Parsed) -> Tree {
        let Reparsed { tree, replacement } = syntax::reparse(&before.text, before.tree, &self.text);
        if let Some((replacement, analysis)) = replacement.zip(before.analysis) {
            self.analysis.get_or_init(|| analysis::after_replacement(&self.text, &tree, &replacement, analysis));
        }
        tree
    }

    /// The analysis of the text. A tree that is built only for the analysis is dropped: it is many times larger than
    /// the text.
    #[must_use]
    pub fn analysis(&self) -> &Analysis {
        self.analysis.get_or_init(|| match (self.dialect, self.tree.get()) {
            (Dialect::Tera, Some(tree)) => analysis::of_tera(&self.text, tree),
            (Dialect::Tera, None) => analysis::of_tera(&self.text, &syntax::parse(&self.text)),
            (Dialect::Dollar, _) => analysis::of_dollar(&self.text),
        })
    }

    /// The text of a span.
    #[must_use]
    pub fn slice(&self, span: &Range<usize>) -> &str {
        &self.text[span.clone()]
    }

    /// The place of a span.
    #[must_use]
    pub fn range(&self, span: &Range<usize>) -> crate::base::text::Range {
        self.lines.range(span.clone())
    }
}

/// The files of a library without files.
struct NoFiles;

impl Files for NoFiles {
    fn read_into(&self, _: &Utf8Path, _: &mut Vec<u8>) -> io::Result<()> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn list(&self, _: &Utf8Path) -> io::Result<Vec<Utf8PathBuf>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn is_file(&self, _: &Utf8Path) -> bool {
        false
    }
}
