//! How the ownership of fields differs between two types.

use std::collections::{HashMap, VecDeque};
use std::fmt;

use super::compiled::{Type, TypeId};
use super::rule::Rule;

/// A difference between a type and the one that takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where, such as `.spec.containers[].name`; empty for the whole value. `*` stands for any entry of a
    /// map.
    pub path: String,
    /// What.
    pub what: Difference,
}

/// What is different at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// A field is declared no more; this is how it was owned.
    Gone(Rule),
    /// A field was not declared before.
    New(Rule),
    /// It is owned in another way.
    Owned {
        /// How it was.
        before: Rule,
        /// How it is.
        after: Rule,
    },
    /// Fields that are not declared are taken now.
    Opened,
    /// Fields that are not declared are refused now.
    Closed,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Gone(rule) => write!(f, "gone ({rule})"),
            Difference::New(rule) => write!(f, "new ({rule})"),
            Difference::Owned { before, after } => write!(f, "{before} -> {after}"),
            Difference::Opened => f.write_str("takes fields that are not declared"),
            Difference::Closed => f.write_str("refuses fields that are not declared"),
        }
    }
}

/// All differences that are told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Each before those below it.
    pub list: Vec<Change>,
    /// The types lead to more places than are looked at: there may be more differences, also if none is
    /// told.
    pub is_cut: bool,
}

/// Types that contain each other may differ at places without end; as many are looked at.
const PLACES: usize = 10_000;

/// Types that contain themselves in different rhythms meet in as many pairs as one has types times the
/// other; as many fields and keys of pairs are looked at, the nearest first.
const STEPS: usize = 1 << 20;

/// As long are the paths of all places together.
const TEXT: usize = 32 << 20;

type Pair = (TypeId, TypeId);

impl Type {
    /// How a type differs from the one that takes its place.
    ///
    /// What is below something that is owned as a whole on one side only is left out. Where types contain
    /// themselves, differences are told once. Linear in the pairs of types that stand at one place, and
    /// in the places at which there is a difference; both are limited.
    ///
    /// ```
    /// # #[cfg(feature = "builtin-schemas")] {
    /// use managed_fields::schema::{GroupVersionKind, KubernetesVersion, Schemas};
    /// let pod = GroupVersionKind::new("v1", "Pod");
    /// let find = |version| Schemas::builtin_for(version).find(&pod).ok_or("no such kind");
    /// let (before, after) = (find(KubernetesVersion::V1_35)?, find(KubernetesVersion::V1_37)?);
    /// assert!(!before.changes_to(&after).list.is_empty());
    /// assert!(after.changes_to(&after).list.is_empty());
    /// # }
    /// # Ok::<(), &str>(())
    /// ```
    pub fn changes_to(&self, after: &Type) -> Changes {
        let differing = Differing::between(self, after);
        let mut told = Told { list: Vec::new(), room: TEXT, is_cut: differing.is_cut };
        // Nearest first, since the places may have no end. Each knows which one it is below.
        let mut places: Vec<Place> = Vec::new();
        let mut open = VecDeque::new();
        if differing.has((self.id, after.id)) {
            open.push_back((None, String::new(), self.clone(), after.clone()));
        }
        while let Some((around, path, before, after)) = open.pop_front() {
            let pair = (before.id, after.id);
            if is_around(&places, around, pair) {
                continue;
            }
            if places.len() == PLACES {
                told.is_cut = true;
                break;
            }
            places.push(Place { pair, around });
            let here = Some(places.len() - 1);
            if let Some(what) = own(&before, &after) {
                told.add(&path, "", "", || what);
            }
            if !is_comparable(&before, &after) {
                continue;
            }
            let mut below = |told: &mut Told, dot, name: &str, left: Type, right: Type| {
                if differing.has((left.id, right.id))
                    && let Some(path) = told.path(&path, dot, name)
                {
                    open.push_back((here, path, left, right));
                }
            };
            for (name, left) in before.fields() {
                match after.field(name) {
                    Some(right) => below(&mut told, ".", name, left, right),
                    None => told.add(&path, ".", name, || Difference::Gone(left.rule())),
                }
            }
            for (name, right) in after.fields().filter(|(name, _)| before.field(name).is_none()) {
                told.add(&path, ".", name, || Difference::New(right.rule()));
            }
            for (end, left, right) in elements(&before, &after) {
                below(&mut told, end, "", left, right);
            }
        }
        let Told { mut list, is_cut, .. } = told;
        // What is below a place follows it.
        list.sort_by_cached_key(|change| change.path.replace(['.', '['], "\0"));
        Changes { list, is_cut }
    }
}

/// What is told so far, and how much room there is for more.
struct Told {
    list: Vec<Change>,
    room: usize,
    is_cut: bool,
}

impl Told {
    /// The path of what is below, if there is room for it.
    fn path(&mut self, path: &str, dot: &str, name: &str) -> Option<String> {
        let needed = path.len() + dot.len() + name.len() + size_of::<Change>();
        match self.room.checked_sub(needed) {
            Some(room) => {
                self.room = room;
                Some(format!("{path}{dot}{name}"))
            }
            None => {
                self.is_cut = true;
                None
            }
        }
    }

    fn add(&mut self, path: &str, dot: &str, name: &str, what: impl FnOnce() -> Difference) {
        if let Some(path) = self.path(path, dot, name) {
            self.list.push(Change { path, what: what() });
        }
    }
}

/// A place at which there is a difference, there or below.
struct Place {
    pair: Pair,
    around: Option<usize>,
}

/// Whether a place is inside one of the same types.
fn is_around(places: &[Place], mut around: Option<usize>, pair: Pair) -> bool {
    while let Some(place) = around.and_then(|at| places.get(at)) {
        if place.pair == pair {
            return true;
        }
        around = place.around;
    }
    false
}

/// The difference at a place itself.
fn own(before: &Type, after: &Type) -> Option<Difference> {
    let (left, right) = (before.rule(), after.rule());
    if left != right {
        return Some(Difference::Owned { before: left, after: right });
    }
    match (before.entries(), after.entries()) {
        (None, Some(_)) => Some(Difference::Opened),
        (Some(_), None) => Some(Difference::Closed),
        _ => None,
    }
}

/// Whether what is below means the same on both sides.
fn is_comparable(before: &Type, after: &Type) -> bool {
    before.rule().is_leaf() == after.rule().is_leaf()
}

/// The items and entries that both sides have.
fn elements(before: &Type, after: &Type) -> impl Iterator<Item = (&'static str, Type, Type)> {
    let both = |end, left: Option<Type>, right: Option<Type>| Some((end, left?, right?));
    let items = both("[]", before.items(), after.items());
    items.into_iter().chain(both(".*", before.entries(), after.entries()))
}

/// What it takes to look at a type: its fields and keys.
fn size(ty: &Type) -> usize {
    let atom = ty.schema().tables().atom(ty.id);
    let fields = atom.map.map_or(0, |map| map.field_count);
    let keys = atom.list.map_or(0, |list| list.key_count);
    1 + fields as usize + keys as usize
}

/// The pairs of types that stand at one place and differ, there or below.
struct Differing {
    /// Types of equal numbers are the same.
    is_shared: bool,
    pairs: HashMap<Pair, usize>,
    differs: Vec<bool>,
    /// There are pairs that were not looked at.
    is_cut: bool,
}

impl Differing {
    fn between(before: &Type, after: &Type) -> Differing {
        let (left, right) = (before.schema().tables(), after.schema().tables());
        let mut found = Differing {
            is_shared: std::ptr::eq(left.types.as_ptr(), right.types.as_ptr()),
            pairs: HashMap::new(),
            differs: Vec::new(),
            is_cut: false,
        };
        // Who is above whom, so that differences can be carried upwards.
        let mut above: Vec<Vec<usize>> = Vec::new();
        let mut open = VecDeque::new();
        let mut steps = 0;
        let meet = |found: &mut Differing, above: &mut Vec<Vec<usize>>, pair: Pair| {
            let next = above.len();
            let number = *found.pairs.entry(pair).or_insert(next);
            if number == next {
                above.push(Vec::new());
                found.differs.push(false);
            }
            (number, number == next)
        };
        if !found.is_same((before.id, after.id)) {
            let (number, _) = meet(&mut found, &mut above, (before.id, after.id));
            open.push_back((number, before.clone(), after.clone()));
        }
        let mut different = Vec::new();
        while let Some((number, before, after)) = open.pop_front() {
            if steps > STEPS {
                found.is_cut = true;
                break;
            }
            steps += size(&before) + size(&after);
            let comparable = is_comparable(&before, &after);
            let names = |(name, _)| name;
            let have_same_fields = || before.fields().map(names).eq(after.fields().map(names));
            if own(&before, &after).is_some() || comparable && !have_same_fields() {
                different.push(number);
            }
            if !comparable {
                continue;
            }
            let fields =
                before.fields().filter_map(|(name, left)| Some((left, after.field(name)?)));
            let elements = elements(&before, &after).map(|(_, left, right)| (left, right));
            for (left, right) in fields.chain(elements) {
                let pair = (left.id, right.id);
                if found.is_same(pair) {
                    continue;
                }
                let (below, is_new) = meet(&mut found, &mut above, pair);
                if let Some(above) = above.get_mut(below) {
                    above.push(number);
                }
                if is_new {
                    open.push_back((below, left, right));
                }
            }
        }
        while let Some(number) = different.pop() {
            let seen =
                found.differs.get_mut(number).map(|differs| std::mem::replace(differs, true));
            if seen == Some(false) {
                different.extend(above.get(number).into_iter().flatten());
            }
        }
        found
    }

    fn is_same(&self, (left, right): Pair) -> bool {
        self.is_shared && left == right
    }

    fn has(&self, pair: Pair) -> bool {
        let number = self.pairs.get(&pair);
        number.and_then(|number| self.differs.get(*number)).is_some_and(|differs| *differs)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Schema, Type};
    use crate::value::Value;

    /// The type `t` of a schema in which fields are written `name: type`.
    fn schema(types: &[(&str, &str)]) -> Result<Type, String> {
        let types: Vec<String> = types
            .iter()
            .map(|(name, fields)| {
                let field = |field: &str| {
                    let (name, ty) = field.split_once(':').unwrap_or((field, ""));
                    let ty = match ty {
                        "" => r#"{"scalar":"string"}"#.to_owned(),
                        name => format!(r#"{{"namedType":"{name}"}}"#),
                    };
                    format!(r#"{{"name":"{name}","type":{ty}}}"#)
                };
                let fields: Vec<String> = fields.split_whitespace().map(field).collect();
                format!(r#"{{"name":"{name}","map":{{"fields":[{}]}}}}"#, fields.join(","))
            })
            .collect();
        let text = format!(r#"{{"types":[{}]}}"#, types.join(","));
        let value = Value::from_json(&text).map_err(|error| error.to_string())?;
        let schema = Schema::from_document(value.as_ref());
        schema.type_named("t").ok_or_else(|| "no t".to_owned())
    }

    fn told(before: &Type, after: &Type) -> Vec<String> {
        let changes = before.changes_to(after);
        assert!(!changes.is_cut);
        changes.list.iter().map(|change| format!("{} {}", change.path, change.what)).collect()
    }

    #[test]
    fn types_that_unfold_to_the_same_do_not_differ() -> Result<(), String> {
        let short = schema(&[("t", "a b:t")])?;
        let long = schema(&[("t", "a b:u"), ("u", "a b:v"), ("v", "a b:t")])?;
        assert_eq!(told(&short, &long), Vec::<String>::new());
        assert_eq!(told(&long, &short), Vec::<String>::new());
        Ok(())
    }

    #[test]
    fn differences_in_what_recurs_are_told_once() -> Result<(), String> {
        let before = schema(&[("t", "a next:u other:u"), ("u", "x up:t")])?;
        let after = schema(&[("t", "a next:u other:u"), ("u", "y up:t")])?;
        assert_eq!(
            told(&before, &after),
            [
                ".next.x gone (string)",
                ".next.y new (string)",
                ".other.x gone (string)",
                ".other.y new (string)"
            ]
        );
        Ok(())
    }

    #[test]
    fn many_types_that_all_contain_each_other_come_to_an_end() -> Result<(), String> {
        let names: Vec<String> = (0..30).map(|at| format!("n{at}")).collect();
        let all: Vec<String> = names.iter().map(|name| format!("{name}:{name}")).collect();
        let all = format!("{} t:t", all.join(" "));
        let mut types: Vec<(&str, &str)> = vec![("t", &all)];
        types.extend(names.iter().map(|name| (name.as_str(), all.as_str())));
        let before = schema(&types)?;
        let with_more = format!("{all} z");
        if let Some(last) = types.last_mut() {
            last.1 = &with_more;
        }
        let after = schema(&types)?;
        let changes = before.changes_to(&after);
        assert!(changes.is_cut && !changes.list.is_empty());
        assert_eq!(told(&before, &before.clone()), Vec::<String>::new());
        assert!(before.tree(None).is_cut);
        assert_eq!(before.tree(Some(1)).rows.len(), 32);
        Ok(())
    }

    /// A ring of types, each with the next and, from the root, a field `first` or `second`.
    fn ring(length: usize, own: &str) -> Result<Type, String> {
        let names: Vec<String> = (0..length).map(|at| format!("n{at}")).collect();
        let nexts: Vec<String> =
            (0..length).map(|at| format!("a b next:n{}", (at + 1) % length)).collect();
        let root = format!("{own} ring:n0");
        let mut types = vec![("t", root.as_str())];
        types.extend(names.iter().map(String::as_str).zip(nexts.iter().map(String::as_str)));
        schema(&types)
    }

    #[test]
    fn rings_of_many_types_are_compared_in_part() -> Result<(), String> {
        // These meet in 400 million pairs.
        let [before, after, same] = [ring(20_011, "x")?, ring(20_021, "y")?, ring(20_021, "x")?];
        let changes = before.changes_to(&after);
        let paths: Vec<&str> = changes.list.iter().map(|change| change.path.as_str()).collect();
        assert_eq!((paths.as_slice(), changes.is_cut), (&[".x", ".y"][..], true));
        let changes = before.changes_to(&same);
        assert!(changes.list.is_empty() && changes.is_cut);
        assert_eq!(told(&before, &ring(20_011, "x")?), Vec::<String>::new());
        Ok(())
    }

    #[test]
    fn long_names_of_many_places_are_told_in_part() -> Result<(), String> {
        // Each of 2,000 types inside each other has 100 fields less: 200,000 paths of up to 2 MB.
        let name = "n".repeat(1000);
        let gone: String = (0..100).map(|at| format!("g{at} ")).collect();
        let chain = |more: &str| {
            let names: Vec<String> = (0..2000).map(|at| format!("t{at}")).collect();
            let fields: Vec<String> = (1..=2000).map(|at| format!("{more}{name}:t{at}")).collect();
            let mut types: Vec<(&str, &str)> =
                names.iter().map(String::as_str).zip(fields.iter().map(String::as_str)).collect();
            types.extend([("t2000", "end"), ("t", "chain:t0")]);
            schema(&types)
        };
        let changes = chain(&gone)?.changes_to(&chain("")?);
        assert!(changes.is_cut && changes.list.len() >= 100);
        let told: usize = changes.list.iter().map(|change| change.path.len()).sum();
        assert!(told <= super::TEXT, "{told}");
        Ok(())
    }
}
