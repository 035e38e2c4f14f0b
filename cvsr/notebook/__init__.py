"""What the lessons share: pictures, players, explorers and the frame of a lesson."""
