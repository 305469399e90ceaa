"""UPLOADS: the files that come with a form -> whole files on the disk under names of ours, known by their content.

`intake` reads the parts of a post, `sniffing` tells what a file is (by `archives` and `pictures`, which open nothing),
`shelf` is the folder that keeps them.
"""
