"""What the lessons ask of the student: a checker an exercise, a file a lesson."""
