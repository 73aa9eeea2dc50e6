//! On which lines the sources claim what was found.

use std::collections::{BTreeMap, HashMap};

use crate::analysis::{Claimant, Class, Contest};
use crate::cli::cores::on_all_cores;
use crate::cli::locate;
use crate::cli::session::Session;
use crate::fieldmanager::Location;
use crate::fieldpath::Path;

use super::ConflictsArgs;
use super::gather::Contested;

/// A claim: the object, the finding, and the source, by their places.
pub(super) type Key = (usize, usize, usize);

/// What is claimed by one object: which claims, and the paths.
type Claims<'f> = Vec<(Key, &'f Path)>;

/// The claims of one file.
struct File<'f> {
    name: &'f str,
    content: &'f [u8],
    /// By the document and the item.
    claims: BTreeMap<(usize, Option<usize>), Claims<'f>>,
}

/// The places of all claims that are told. Every file is looked through once, on all cores.
pub(super) fn of_claims(
    args: &ConflictsArgs,
    contested: &[Contested],
    contests: &[Contest],
    session: &mut Session<'_, '_>,
) -> HashMap<Key, Location> {
    let mut files: Vec<File<'_>> = Vec::new();
    let mut known: HashMap<*const Vec<u8>, usize> = HashMap::new();
    for (object_at, (object, contest)) in contested.iter().zip(contests).enumerate() {
        for (finding_at, finding) in contest.findings().iter().enumerate() {
            if finding.class() == Class::Agree && !args.tells_agreed() {
                continue;
            }
            for (claimant, _) in finding.claims() {
                let Claimant::Source(index) = claimant else { continue };
                let Some(want) = object.wants.get(*index) else { continue };
                let place = &want.object.place;
                let Some(content) = place.content() else { continue };
                let at = *known.entry(std::rc::Rc::as_ptr(content)).or_insert_with(|| {
                    let claims = BTreeMap::new();
                    files.push(File { name: place.file(), content, claims });
                    files.len() - 1
                });
                let Some(file) = files.get_mut(at) else { continue };
                let claims = file.claims.entry(place.numbers()).or_default();
                claims.push(((object_at, finding_at, *index), finding.path()));
            }
        }
    }
    let found = on_all_cores(&files, "files", &|file| in_file(file), session);
    found.into_iter().flatten().collect()
}

fn in_file(file: &File<'_>) -> Vec<(Key, Location)> {
    let mut found = Vec::new();
    let mut claims = file.claims.iter().peekable();
    locate::each_source(file.name, file.content, &mut |number, document| {
        while let Some(((_, item), paths)) = claims.next_if(|((own, _), _)| *own == number) {
            let Some(document) = document() else { continue };
            let source = locate::item_of(document, *item);
            let Some(locator) = source.locator() else { continue };
            found.extend(paths.iter().map(|(key, path)| (*key, locator.around(path))));
        }
        claims.peek().is_some()
    });
    found
}
