//! README.md and docs/: links lead to files and headings that exist, and every picture is shown.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files of a folder and those below it whose names end in `ending`.
fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("the folder is there") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|e| e == ending) {
            found.push(path);
        }
    }
    found
}

fn documents() -> Vec<PathBuf> {
    let mut found = files(&root().join("docs"), "md");
    found.extend(["README.md", "data/README.md", "sim/README.md"].map(|f| root().join(f)));
    found
}

fn outside_of_fenced_code(text: &str) -> impl Iterator<Item = &str> {
    text.split("```").step_by(2)
}

/// Addresses of links, `[text](address)`, those of pictures among them.
fn links(text: &str) -> Vec<&str> {
    let ends = outside_of_fenced_code(text).flat_map(|t| t.split("](").skip(1));
    ends.filter_map(|t| t.split_once(')')).map(|(address, _)| address).collect()
}

/// Addresses of pictures alone, `![text](address)`.
fn pictures(text: &str) -> Vec<&str> {
    let starts = outside_of_fenced_code(text).flat_map(|t| t.split("![").skip(1));
    starts.filter_map(|t| t.split_once("](")?.1.split_once(')')).map(|(address, _)| address).collect()
}

/// A heading as the part of an address after `#`: lower case, without punctuation, hyphens for blanks.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

fn has_heading(text: &str, wanted: &str) -> bool {
    text.lines().filter(|l| l.starts_with('#')).any(|l| anchor(l.trim_start_matches('#')) == wanted)
}

/// What is wrong with a link of a document, if it leads to a file of this repository.
fn fault(document: &Path, link: &str) -> Option<String> {
    if link.starts_with("https://") || link.starts_with("http://") {
        return None;
    }
    let (file, heading) = link.split_once('#').map_or((link, None), |(f, h)| (f, Some(h)));
    let target = if file.is_empty() { document.to_owned() } else { document.with_file_name(file) };
    if !target.exists() {
        return Some(format!("{}: `{link}` leads nowhere", document.display()));
    }
    let heading = heading?;
    let text = fs::read_to_string(&target).expect("UTF-8");
    (!has_heading(&text, heading)).then(|| format!("{}: `{link}`: there is no such heading", document.display()))
}

#[test]
fn links_lead_to_files_and_headings_that_exist() {
    let mut faults = Vec::new();
    let mut seen = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).expect("UTF-8");
        seen += links(&text).len();
        faults.extend(links(&text).into_iter().filter_map(|link| fault(&document, link)));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(seen > 50, "{seen} links found");
}

#[test]
fn faults_of_links_are_told() {
    let readme = root().join("README.md");
    assert_eq!(links("[a](b.md) ```[c](d.md)``` ![e](f#g)"), ["b.md", "f#g"]);
    assert_eq!(fault(&readme, "docs/fpga.md#wide-machines"), None);
    assert!(fault(&readme, "docs/fpga.md#no-such").unwrap().contains("there is no such heading"));
    assert!(fault(&readme, "docs/img/no-such.svg").unwrap().contains("leads nowhere"));
}

/// In docs/: README.md shows some of them again.
#[test]
fn every_picture_is_shown() {
    assert_eq!(pictures("[a](b.svg) ```![c](d.svg)``` ![e](f.svg)"), ["f.svg"]);
    let docs = root().join("docs");
    let mut shown = BTreeSet::new();
    for document in files(&docs, "md") {
        let text = fs::read_to_string(&document).expect("UTF-8");
        shown.extend(pictures(&text).into_iter().map(|address| document.with_file_name(address)));
    }
    for picture in files(&docs, "svg") {
        assert!(shown.contains(&picture), "{} stands in no document", picture.display());
    }
}
