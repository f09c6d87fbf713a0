//! For tests: tables of the README that are made of the code.

use std::{path::Path, sync::Mutex};

/// Two tests that write the file must not take back each other's change.
static WRITING: Mutex<()> = Mutex::new(());

/// The README has this table between the marker `<!-- name -->` and the next `<!-- end -->`;
/// `ROOMD_WRITE_DOCS=1` writes it there.
pub fn has_table(name: &str, table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let _writing = WRITING.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let readme = std::fs::read_to_string(&path).unwrap();
    let begin = format!("<!-- {name} -->\n");
    let (before, rest) = readme.split_once(&begin).unwrap_or_else(|| panic!("the README has no {begin}"));
    let (found, after) = rest.split_once("<!-- end -->").expect("the README marks where the table ends");
    if std::env::var_os("ROOMD_WRITE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}{begin}{table}<!-- end -->{after}")).unwrap();
        return;
    }
    assert_eq!(found, table, "README.md differs from the code; write it anew with: ROOMD_WRITE_DOCS=1 cargo test --lib readme");
}
