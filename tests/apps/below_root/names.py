NAME = "from the project"
