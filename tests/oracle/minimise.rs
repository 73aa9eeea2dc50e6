//! The smallest request that still shows a difference.

use super::support::json::Json;

/// Shrinks the request as long as `differs` holds, within so many tries.
pub fn minimise(request: Json, tries: usize, differs: &mut dyn FnMut(&Json) -> bool) -> Json {
    let mut best = request;
    let mut left = tries;
    loop {
        let before = best.clone();
        let mut at = Vec::new();
        shrink(&mut best, &mut at, &mut left, differs);
        if best == before || left == 0 {
            return best;
        }
    }
}

fn node<'j>(root: &'j mut Json, at: &[usize]) -> &'j mut Json {
    at.iter().fold(root, |json, index| match json {
        Json::List(items) => &mut items[*index],
        Json::Map(members) => &mut members[*index].1,
        _ => unreachable!("only containers have children"),
    })
}

/// Tries a replacement of one node.
fn attempt(
    root: &mut Json,
    at: &[usize],
    with: Json,
    left: &mut usize,
    differs: &mut dyn FnMut(&Json) -> bool,
) -> bool {
    if *left == 0 || *node(root, at) == with {
        return false;
    }
    *left -= 1;
    let mut candidate = root.clone();
    *node(&mut candidate, at) = with;
    if !differs(&candidate) {
        return false;
    }
    *root = candidate;
    true
}

fn shrink(
    root: &mut Json,
    at: &mut Vec<usize>,
    left: &mut usize,
    differs: &mut dyn FnMut(&Json) -> bool,
) {
    let here = node(root, at).clone();
    match here {
        Json::List(_) | Json::Map(_) => {
            // Runs of children, longest first, then each child itself.
            let mut run = children(&here);
            while run > 0 {
                let mut from = 0;
                while from < children(node(root, at)) {
                    let parent = node(root, at);
                    let until = (from + run).min(children(parent));
                    if (from..until).any(|index| is_kept(parent, index)) {
                        from += run;
                        continue;
                    }
                    let mut without = node(root, at).clone();
                    match &mut without {
                        Json::List(items) => {
                            items.drain(from..(from + run).min(items.len()));
                        }
                        Json::Map(members) => {
                            members.drain(from..(from + run).min(members.len()));
                        }
                        _ => {}
                    }
                    if !attempt(root, at, without, left, differs) {
                        from += run;
                    }
                }
                run /= 2;
            }
            for index in 0..children(node(root, at)) {
                let parent = node(root, at);
                let descend = matches!(parent, Json::Map(members) if members[index].0 == "object");
                if is_kept(parent, index) && !descend {
                    continue;
                }
                at.push(index);
                shrink(root, at, left, differs);
                at.pop();
            }
        }
        Json::String(text) => {
            if text.starts_with('{') && text.len() > 2 {
                shrink_document(root, at, &text, left, differs);
            } else if text.chars().count() > 1 {
                for shorter in ["a".to_owned(), text.chars().take(1).collect()] {
                    if attempt(root, at, Json::String(shorter), left, differs) {
                        break;
                    }
                }
            }
        }
        Json::Number(literal) if literal != "1" => {
            attempt(root, at, Json::number(1), left, differs);
        }
        Json::Bool(true) => {
            attempt(root, at, Json::Bool(false), left, differs);
        }
        _ => {}
    }
}

/// A set or a schema inside a string is shrunk as the document that it is.
fn shrink_document(
    root: &mut Json,
    at: &[usize],
    text: &str,
    left: &mut usize,
    differs: &mut dyn FnMut(&Json) -> bool,
) {
    let Ok(document) = Json::parse(text) else { return };
    let outer = root.clone();
    let mut inner_left = *left;
    let inside = &mut |candidate: &Json| {
        let mut whole = outer.clone();
        *node(&mut whole, at) = Json::String(candidate.to_string());
        differs(&whole)
    };
    let mut shrunk = document;
    shrink(&mut shrunk, &mut Vec::new(), &mut inner_left, inside);
    *left = inner_left;
    *node(root, at) = Json::String(shrunk.to_string());
    if !differs(root) {
        *root = outer;
    }
}

/// Members that say what the request is about; without them it would be another one.
const KEPT: [&str; 10] = [
    "op",
    "gvk",
    "type_of",
    "schema",
    "type",
    "kind",
    "apiVersion",
    "manager",
    "version",
    "object",
];

fn is_kept(parent: &Json, index: usize) -> bool {
    matches!(parent, Json::Map(members) if KEPT.contains(&members[index].0.as_str()))
}

fn children(json: &Json) -> usize {
    match json {
        Json::List(items) => items.len(),
        Json::Map(members) => members.len(),
        _ => 0,
    }
}
