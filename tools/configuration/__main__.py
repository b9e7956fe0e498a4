"""Write docs/reference/configuration.md: `make apidocs`."""

from tools.configuration.page import PAGE, build_page

if __name__ == "__main__":
    PAGE.write_text(build_page())
