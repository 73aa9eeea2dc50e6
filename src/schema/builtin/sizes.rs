//! How much of the tables is there for which version.

use std::mem::size_of_val;

use super::super::compiled::{KeyDefault, Span, TypeId};
use super::{KubernetesVersion, edition, tables};

/// The bytes of the tables that the newest version needs, and those that each older one adds to what
/// the newer ones need.
///
/// For the project's own table command.
pub fn added_bytes() -> Vec<(KubernetesVersion, usize)> {
    let newest = edition(KubernetesVersion::NEWEST);
    let mut used = Used {
        types: vec![false; newest.types.len()],
        fields: vec![false; newest.fields.len()],
        keys: vec![false; newest.keys.len()],
        text: vec![false; newest.pool.len()],
        names: vec![false; newest.names.len()],
        kinds: vec![false; tables::KINDS.len()],
        bytes: 0,
    };
    let versions = KubernetesVersion::ALL.into_iter().rev();
    versions.map(|version| (version, used.add(version))).collect()
}

struct Used {
    types: Vec<bool>,
    fields: Vec<bool>,
    keys: Vec<bool>,
    text: Vec<bool>,
    names: Vec<bool>,
    kinds: Vec<bool>,
    bytes: usize,
}

impl Used {
    fn add(&mut self, version: KubernetesVersion) -> usize {
        let before = self.bytes;
        let tables = edition(version);
        self.bytes += size_of_val(tables);
        let mut open = vec![TypeId::EMPTY];
        for (at, row) in tables.names.iter().enumerate() {
            if tables.has(row.editions) {
                take(&mut self.names, at, size_of_val(row), &mut self.bytes);
                self.text(row.name);
                open.push(row.type_id);
            }
        }
        for (at, row) in tables::KINDS.iter().enumerate() {
            if tables.has(row.editions) {
                let by_hash = size_of::<(u64, u16)>();
                take(&mut self.kinds, at, size_of_val(row) + by_hash, &mut self.bytes);
                for span in [row.group, row.version, row.kind] {
                    self.text(span);
                }
                open.push(row.type_id);
            }
        }
        while let Some(id) = open.pop() {
            let atom = tables.atom(id);
            if !take(&mut self.types, id.0 as usize, size_of_val(atom), &mut self.bytes) {
                continue;
            }
            self.text(atom.name);
            if let Some(list) = &atom.list {
                open.push(list.element);
                let both = tables.keys(list).iter().chain(tables.sorted_keys(list));
                for (at, key) in both.enumerate() {
                    take(
                        &mut self.keys,
                        list.keys as usize + at,
                        size_of_val(key),
                        &mut self.bytes,
                    );
                    self.text(key.name);
                    if let KeyDefault::Value(json) = key.default {
                        self.text(json);
                    }
                }
            }
            if let Some(map) = &atom.map {
                open.push(map.element);
                for (at, field) in tables.fields(map).iter().enumerate() {
                    let at = map.fields as usize + at;
                    take(&mut self.fields, at, size_of_val(field), &mut self.bytes);
                    self.text(field.name);
                    open.push(field.type_id);
                }
            }
        }
        self.bytes - before
    }

    fn text(&mut self, span: Span) {
        let start = span.start as usize;
        for at in start..start + span.len as usize {
            take(&mut self.text, at, 1, &mut self.bytes);
        }
    }
}

/// Counts what was not used yet.
fn take(used: &mut [bool], at: usize, size: usize, bytes: &mut usize) -> bool {
    let is_new = used.get_mut(at).is_some_and(|used| !std::mem::replace(used, true));
    *bytes += if is_new { size } else { 0 };
    is_new
}
