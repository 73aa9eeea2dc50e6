//! Completions and manual pages.

use managed_fields::cli::{Io, run_from};

use super::{NOW, assert_run, run};

#[test]
fn shells_complete_every_command() {
    for (shell, sign) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef managed-fields"),
        ("fish", "complete -c managed-fields"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion"),
    ] {
        let done = run(&format!("completions {shell}"), "");
        assert_eq!((done.code, done.err.as_str()), (0, ""), "{shell}");
        assert!(done.out.contains(sign), "{shell}");
        for word in ["conflicts", "--field-manager", "explain"] {
            assert!(done.out.contains(word) || done.out.contains(&word[2..]), "{shell} {word}");
        }
    }
}

/// Under the name of a plugin the program speaks of itself as one.
#[test]
fn kubectl_has_it_as_a_plugin() {
    for (name, own) in [
        ("/usr/local/bin/kubectl-managed_fields", "Usage: kubectl managed-fields blame "),
        ("managed-fields", "Usage: managed-fields blame "),
    ] {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut io = Io {
            stdin: &mut &b""[..],
            stdout: &mut out,
            stderr: &mut err,
            stdout_is_terminal: false,
            stderr_is_terminal: false,
            no_color: true,
            now: NOW.parse().unwrap(),
        };
        assert_eq!(run_from([name, "blame", "--help"], &mut io), 0);
        assert!(String::from_utf8(out).unwrap().contains(own), "{name}");
    }
}

#[test]
fn every_command_has_a_page() {
    let page = run("man", "");
    assert_eq!(page.code, 0);
    for command in ["apply", "blame", "conflicts", "explain", "plan"] {
        assert!(page.out.contains(&format!("managed\\-fields\\-{command}")), "{command}");
        let own = run(&format!("man {command}"), "");
        assert_eq!(own.code, 0);
        assert!(own.out.contains(&format!(".TH managed-fields-{command} ")), "{}", own.out);
    }
    assert!(run("man plan adopt", "").out.contains(".TH managed-fields-plan-adopt "));
    assert_run(&run("man paint", ""), 2, "", "error: man: managed-fields has no command paint\n");
}
