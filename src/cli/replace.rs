//! Writing an edited file back.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Replaces a file in one step: whoever reads it meets the old text or the new one.
pub(super) fn file(name: &Path, text: &str) -> io::Result<()> {
    // What a link leads to is replaced, not the link.
    let path = fs::canonicalize(name)?;
    let permissions = fs::metadata(&path)?.permissions();
    if permissions.readonly() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file is read-only"));
    }
    let mut beside = path.file_name().unwrap_or_default().to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(beside);
    let new = fs::OpenOptions::new().write(true).create_new(true).open(&beside)?;
    let written = fill(new, text, &beside, permissions).and_then(|()| fs::rename(&beside, &path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

/// Writes a new file that takes the place of another.
fn fill(
    mut file: fs::File,
    text: &str,
    name: &Path,
    permissions: fs::Permissions,
) -> io::Result<()> {
    // Before there is anything to read in it.
    fs::set_permissions(name, permissions)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
