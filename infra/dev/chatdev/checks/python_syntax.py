"""Python files that do not compile."""

from chatdev.checks import source


def check():
    findings = []
    names = source.files(".py")
    for name in names:
        try:
            compile(source.read(name), name, "exec")
        except SyntaxError as error:
            findings.append(f"{name}:{error.lineno}: {error.msg}")
    return findings, f"{len(names)} files"
