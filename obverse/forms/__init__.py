"""Forms: a form file's definition -> HTML, checks, and what is kept of them. Shared with capture: stdlib only.

`form` is what a form is; `reading` makes one from front matter; `checking` judges what a visitor sent; `errors`
says what is wrong with it; `html` writes the form, empty or with values and errors, the same on a page and in an
answer.
"""

from obverse.forms.form import Error, Form, FormField, Slot

__all__ = ["Error", "Form", "FormField", "Slot"]
