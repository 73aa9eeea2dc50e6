//! Files of a repository that hold what tools build objects from, and that nobody applies as they are.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::value::{Kind, Value, ValueRef};
use crate::yaml;

use super::session::Session;

/// Takes these files out of those that were found in a directory, and tells how many they were.
pub(super) fn leave_out(directory: &str, files: &mut Vec<PathBuf>, session: &mut Session<'_, '_>) {
    let layout = Layout::of(files);
    if layout.is_plain() {
        return;
    }
    let all = files.len();
    files.retain(|file| !layout.is_input(file));
    let left_out = match all - files.len() {
        0 => return,
        1 => "1 file is".to_owned(),
        count => format!("{count} files are"),
    };
    session.note(
        directory,
        format_args!(
            "{left_out} read by kustomize or Helm and not applied: give what `kustomize build` and \
             `helm template` print to have it looked at"
        ),
    );
}

/// Bytes of a kustomization: people write them.
const LARGEST: u64 = 1 << 20;

#[derive(Default)]
struct Layout {
    /// Patches and whatever else kustomizations name that is no resource, and kustomizations themselves.
    named: HashSet<PathBuf>,
    /// The directories of charts.
    charts: HashSet<PathBuf>,
}

impl Layout {
    fn of(files: &[PathBuf]) -> Layout {
        let mut layout = Layout::default();
        let mut directories = HashSet::new();
        for file in files {
            let directory = file.parent().unwrap_or(Path::new(""));
            if directories.insert(directory) {
                // It has no extension, so that it is not among the files.
                layout.read(directory, &directory.join("Kustomization"));
            }
            match file.file_name().and_then(OsStr::to_str) {
                Some("kustomization.yaml" | "kustomization.yml") => {
                    layout.named.insert(plain(file));
                    layout.read(directory, file);
                }
                Some("Chart.yaml") => {
                    layout.charts.insert(plain(directory));
                }
                _ => {}
            }
        }
        layout
    }

    /// Reads a kustomization. One that cannot be read names nothing.
    fn read(&mut self, directory: &Path, file: &Path) {
        if !fs::metadata(file).is_ok_and(|about| about.is_file() && about.len() <= LARGEST) {
            return;
        }
        let Ok(text) = fs::read_to_string(file) else { return };
        let document = yaml::documents(&text).next().and_then(Result::ok);
        let value = document.and_then(|document| Value::from_json(document.json()).ok());
        if let Some(value) = value {
            self.take(directory, value.as_ref());
        }
    }

    fn is_plain(&self) -> bool {
        self.named.is_empty() && self.charts.is_empty()
    }

    fn is_input(&self, file: &Path) -> bool {
        let file = plain(file);
        if self.named.contains(&file) {
            return true;
        }
        let mut around = file.ancestors().skip(1);
        let Some(chart) = around.find(|around| self.charts.contains(*around)) else { return false };
        // Helm applies the definitions of a chart as they are; anything may stand beside a chart.
        let Ok(inside) = file.strip_prefix(chart) else { return false };
        let first = inside.iter().next().and_then(OsStr::to_str).unwrap_or_default();
        match inside.iter().count() {
            1 => first == "Chart.yaml" || first.starts_with("values"),
            _ => matches!(first, "templates" | "charts" | "ci"),
        }
    }

    /// Takes the files that a kustomization names.
    fn take(&mut self, directory: &Path, kustomization: ValueRef<'_>) {
        let mut add = |name: ValueRef<'_>| {
            // Of `key=path` the path.
            if let Some(name) = name.as_str()
                && let Some(path) = name.rsplit('=').next()
                && !name.contains('\n')
            {
                self.named.insert(plain(&directory.join(path)));
            }
        };
        for name in [
            "patchesStrategicMerge",
            "configurations",
            "crds",
            "generators",
            "transformers",
            "validators",
        ] {
            listed(kustomization, name).for_each(&mut add);
        }
        for name in ["patches", "patchesJson6902", "replacements"] {
            for entry in listed(kustomization, name) {
                entry.get("path").into_iter().for_each(&mut add);
            }
        }
        for name in ["configMapGenerator", "secretGenerator", "helmCharts"] {
            for entry in listed(kustomization, name) {
                for name in ["files", "envs", "additionalValuesFiles"] {
                    listed(entry, name).for_each(&mut add);
                }
                for name in ["env", "valuesFile"] {
                    let value = entry.get(name).filter(|value| value.kind() == Kind::String);
                    value.into_iter().for_each(&mut add);
                }
            }
        }
    }
}

/// The items of a list that is a member.
fn listed<'v>(holder: ValueRef<'v>, name: &str) -> impl Iterator<Item = ValueRef<'v>> {
    holder.get(name).into_iter().flat_map(ValueRef::items)
}

/// A path without `.` and, as far as names go, without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => {
                plain.pop();
            }
            component => plain.push(component),
        }
    }
    plain
}
