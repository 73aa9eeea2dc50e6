//! Findings as a page: managers against managers, each cell opening its paths.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::analysis::Class;
use crate::cli::report::{self, html};

use super::findings::{Found, Report, explanation};

pub(super) fn write(report: &Report) -> String {
    let mut body = String::from("<h1>Who fights over which fields</h1>\n");
    let _ = writeln!(body, "<p>{}</p>", html(&report.summary.to_string()));
    let mut managers = BTreeSet::new();
    let mut cells: BTreeMap<(&str, &str), Vec<&Found>> = BTreeMap::new();
    for found in &report.findings {
        let mut names: Vec<&str> =
            found.claims.iter().map(|claim| claim.manager.as_str()).collect();
        names.sort_unstable();
        managers.extend(names.iter().copied());
        for (index, one) in names.iter().enumerate() {
            for other in names.iter().skip(index + 1) {
                let cell = cells.entry((one, other)).or_default();
                // Several claims of a manager make one entry.
                if cell.last().is_none_or(|last| !std::ptr::eq(*last, found)) {
                    cell.push(found);
                }
            }
        }
    }
    if cells.is_empty() {
        body.push_str("<p>No field is wanted by more than one.</p>\n");
    } else {
        matrix(&mut body, &managers, &cells);
        legend(&mut body);
        for (pair, found) in &cells {
            claims(&mut body, &anchor(&managers, pair.0, pair.1), *pair, found);
        }
    }
    report::page("Who fights over which fields", include_str!("matrix.css"), &body)
}

/// What a cell is called in links.
fn anchor(managers: &BTreeSet<&str>, one: &str, other: &str) -> String {
    let number = |name: &str| managers.iter().position(|known| *known == name).unwrap_or_default();
    format!("p{}-{}", number(one), number(other))
}

fn matrix(
    body: &mut String,
    managers: &BTreeSet<&str>,
    cells: &BTreeMap<(&str, &str), Vec<&Found>>,
) {
    body.push_str("<table class=\"matrix\">\n<thead><tr><td></td>");
    for manager in managers {
        let _ = write!(body, "<th scope=\"col\">{}</th>", html(manager));
    }
    body.push_str("</tr></thead>\n<tbody>\n");
    for row in managers {
        let _ = write!(body, "<tr><th scope=\"row\">{}</th>", html(row));
        for column in managers {
            let pair = if row <= column { (*row, *column) } else { (*column, *row) };
            match cells.get(&pair) {
                None => body.push_str("<td class=\"none\"></td>"),
                Some(found) => cell(body, managers, pair, found),
            }
        }
        body.push_str("</tr>\n");
    }
    body.push_str("</tbody>\n</table>\n");
}

fn cell(body: &mut String, managers: &BTreeSet<&str>, pair: (&str, &str), found: &[&Found]) {
    let worst = found.iter().map(|found| found.class).max().unwrap_or(Class::Agree);
    let anchor = anchor(managers, pair.0, pair.1);
    let _ = write!(body, "<td class=\"{worst}\"><details><summary>");
    for class in Class::ALL.into_iter().rev() {
        let count = found.iter().filter(|found| found.class == class).count();
        if count > 0 {
            let _ = write!(body, "<span class=\"count\">{count} {class}</span>");
        }
    }
    body.push_str("</summary>\n<ul>\n");
    for found in found {
        let _ = writeln!(
            body,
            "<li class=\"{}\">{} <code>{}</code></li>",
            found.class,
            html(&found.object.to_string()),
            html(&found.path)
        );
    }
    let _ = write!(body, "</ul>\n<a href=\"#{anchor}\">who says so, and where</a></details></td>");
}

fn legend(body: &mut String) {
    body.push_str("<dl class=\"legend\">\n");
    for class in Class::ALL.into_iter().rev() {
        let _ = writeln!(
            body,
            "<dt class=\"{class}\">{class}</dt><dd>{}</dd>",
            html(explanation(class))
        );
    }
    body.push_str("</dl>\n");
}

fn claims(body: &mut String, anchor: &str, pair: (&str, &str), found: &[&Found]) {
    let heading = match pair.0 == pair.1 {
        true => format!("{} against itself", html(pair.0)),
        false => format!("{} and {}", html(pair.0), html(pair.1)),
    };
    let _ = writeln!(body, "<h2 id=\"{anchor}\">{heading}</h2>");
    body.push_str(
        "<table class=\"claims\">\n<thead><tr><th>object</th><th>path</th><th>class</th>\
         <th>who</th><th>wants</th><th>where</th></tr></thead>\n<tbody>\n",
    );
    for found in found {
        let rows = found.claims.len();
        for (index, claim) in found.claims.iter().enumerate() {
            body.push_str("<tr>");
            if index == 0 {
                let _ = write!(
                    body,
                    "<td rowspan=\"{rows}\">{}</td><td rowspan=\"{rows}\"><code>{}</code></td>\
                     <td rowspan=\"{rows}\" class=\"{class}\">{class}</td>",
                    html(&found.object.to_string()),
                    html(&found.path),
                    class = found.class
                );
            }
            let _ = writeln!(
                body,
                "<td>{}</td><td><code>{}</code></td><td><code>{}</code></td></tr>",
                html(&claim.manager),
                html(&claim.short_value()),
                html(&claim.place())
            );
        }
    }
    body.push_str("</tbody>\n</table>\n");
}
